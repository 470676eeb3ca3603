import { openCreate } from './create.js';
import { h } from './dom.js';
import { listImages } from './images.js';

/** What to do on a host that has no guests. */
export const firstSteps = (): { element: HTMLElement; update(): void } => {
  const next = h('p');
  const create = h('button', { onclick: openCreate }, 'New guest');
  const show = (hasImages: boolean): void =>
    next.replaceChildren(
      ...(hasImages
        ? [create, ' or the key n makes the first one.']
        : ['This host has no images either: ', h('a', { href: '#/images' }, 'fetch an image'), ' first.']),
    );
  show(true);
  return {
    element: h('div', {}, h('p', {}, 'There are no guests yet.'), next),
    update: () =>
      void listImages().then(
        (images) => show(images.length > 0),
        // The dialog tells why they cannot be listed.
        () => show(true),
      ),
  };
};
