import { openCreate } from './create.js';
import { h } from './dom.js';
import { getImages } from './images.js';

/** Explains what to do on a host without guests. */
export const firstSteps = (): { element: HTMLElement; update(): void } => {
  const next = h('p');
  const create = h('button', { onclick: openCreate }, 'New guest');
  const show = (hasImages: boolean): void =>
    next.replaceChildren(
      ...(hasImages
        ? [create, ' or press ', h('kbd', {}, 'n'), ' to create the first one.']
        : ['This host has no images either. ', h('a', { href: '#/images' }, 'Fetch an image'), ' first.']),
    );
  show(true);
  return {
    element: h('div', {}, h('p', {}, 'No guests yet.'), next),
    update: () =>
      void getImages().then(
        (images) => show(images.length > 0),
        // The create dialog shows the error.
        () => show(true),
      ),
  };
};
