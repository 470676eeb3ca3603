import type { Image } from '../../model/image.js';
import { formatMb } from '../../portable/format.js';
import { errorText } from './api.js';
import { type Card, cards } from './cards.js';
import { field } from './dialogs.js';
import { h } from './dom.js';
import { imageIcon } from './image-icon.js';
import { getImages, isContainerImage, isIso } from './images.js';

/** What a virtual machine begins with. The prefixes keep an image apart from a CD of the same name. */
const EMPTY = 'empty';
const DISK = 'disk:';
const CD = 'cd:';

export interface ImageField {
  elements: HTMLElement[];
  /** The control to mark when the image is invalid. */
  input(): HTMLElement;
  /** The chosen image, or `undefined` for an empty disk. */
  value(): string | undefined;
  /** The MB of a disk that is cloned from the chosen image; 0 where it is unknown. */
  size(): number;
  /** The ISO image to install from: one or none. */
  cds(): string[];
  /** Offers the images for guests of that type. */
  show(type: string): void;
}

const diskCard = ({ id, size }: Image): Card => ({
  ...{ value: `${DISK}${id}`, title: id, icon: imageIcon('disk', id) },
  note: size > 0 ? `Disk image, ${formatMb(size)}` : 'Disk image',
});

const cdCard = ({ id }: Image): Card => ({
  ...{ value: `${CD}${id}`, title: id, icon: imageIcon('iso', id) },
  note: 'CD to install from, onto an empty disk',
});

const EMPTY_CARD: Card = {
  ...{ value: EMPTY, title: 'Empty disk', icon: imageIcon('empty') },
  note: 'Nothing to boot from yet',
};

/** The field for the name of a container image, with a picture of it. */
const containerField = () => {
  const list = h('datalist', { id: 'images' });
  const picture = h('span', {}, imageIcon('container'));
  const input = h('input', {
    ...{ list: 'images', placeholder: 'docker.io/library/busybox:1', autocomplete: 'off' },
    ...{ spellcheck: 'false', required: true },
    oninput: () => picture.replaceChildren(imageIcon('container', input.value.replace(/[:@].*/, ''))),
  });
  return {
    element: h(
      'div',
      { class: 'pictured' },
      picture,
      field('Container image', input, 'Pulled from its registry unless it is on this host'),
      list,
    ),
    input,
    offer: (images: readonly Image[]): void =>
      list.replaceChildren(...images.map(({ id }) => h('option', { value: id }))),
  };
};

/**
 * Creates the field for a guest's image: one on this host, or for a container any image, which the engine then pulls.
 * @param onChange called with whether the guest starts with an empty disk
 */
export const imageField = (onChange: (isEmpty: boolean) => void): ImageField => {
  const container = containerField();
  const isContainer = (): boolean => !container.element.hidden;
  const notify = (): void => {
    const chosen = choice.value();
    onChange(!isContainer() && (chosen === EMPTY || chosen.startsWith(CD)));
  };
  const choice = cards('Image', 'image', notify);
  const note = h('p', { class: 'note', hidden: true });
  let disks: Image[] = [];
  const offer = (images: readonly Image[]): void => {
    disks = images.filter((image) => !isContainerImage(image) && !isIso(image));
    choice.offer([...disks.map(diskCard), ...images.filter(isIso).map(cdCard), EMPTY_CARD]);
    container.offer(images.filter(isContainerImage));
    const [only, another] = disks;
    if (!choice.value() && !another) choice.choose(only ? `${DISK}${only.id}` : EMPTY);
    if (disks.length > 0 || images.some(isIso)) return;
    note.replaceChildren(
      'This host has no images. ',
      h('a', { href: '#/images', onclick: () => note.closest('dialog')?.close() }, 'Fetch an image'),
      ' first: a guest with an empty disk has nothing to boot from.',
    );
  };
  const show = (type: string): void => {
    container.element.hidden = type !== 'container';
    container.input.disabled = !isContainer();
    choice.element.hidden = isContainer();
    choice.element.disabled = isContainer();
    note.hidden = isContainer() || note.textContent === '';
    notify();
  };
  const load = async (): Promise<void> => {
    try {
      offer(await getImages());
    } catch (error) {
      offer([]);
      note.textContent = errorText(error);
    }
    show(isContainer() ? 'container' : 'kvm');
  };
  show('kvm');
  void load();
  const chosen = (prefix: string): string | undefined => {
    const value = choice.value();
    return value.startsWith(prefix) ? value.slice(prefix.length) : undefined;
  };
  return {
    elements: [note, choice.element, container.element],
    input: () => (isContainer() ? container.input : choice.element),
    value: () => (isContainer() ? container.input.value.trim() : chosen(DISK)),
    size: () => (isContainer() ? 0 : (disks.find(({ id }) => id === chosen(DISK))?.size ?? 0)),
    cds: () => {
      const cd = isContainer() ? undefined : chosen(CD);
      return cd === undefined ? [] : [cd];
    },
    show,
  };
};
