import type { Image } from '../../model/image.js';
import { errorText } from './api.js';
import { cdField } from './cd-field.js';
import { field } from './dialogs.js';
import { h } from './dom.js';
import { getImages, isContainerImage, isIso } from './images.js';

/** Not a valid image ID. */
const EMPTY_DISK = '(empty)';

export interface ImageField {
  elements: HTMLElement[];
  /** The control to mark when the image is invalid. */
  input(): HTMLElement;
  /** The chosen image, or `undefined` for an empty disk. */
  value(): string | undefined;
  /** The ISO image to install from: one or none. */
  cds(): string[];
  /** Offers the images for guests of that type. */
  show(type: string): void;
}

/**
 * Creates the field for a guest's image: one on this host, or for a container any image, which the engine then pulls.
 * @param onChange called with whether the guest starts with an empty disk
 */
export const imageField = (onChange: (isEmpty: boolean) => void): ImageField => {
  const notify = (): void => {
    const isEmpty = !select.disabled && select.value === EMPTY_DISK;
    cd.show(isEmpty);
    onChange(isEmpty);
  };
  const select = h(
    'select',
    { 'aria-label': 'Image', required: true, onchange: notify },
    h('option', { value: '' }, 'Loading …'),
  );
  const list = h('datalist', { id: 'images' });
  const nameInput = h('input', {
    list: 'images',
    placeholder: 'docker.io/library/busybox:1',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
  });
  const diskField = field('Image', select);
  const containerField = field(
    'Container image',
    nameInput,
    'Pulled from its registry unless it is on this host',
  );
  const note = h('p', { class: 'note', hidden: true });
  const cd = cdField();

  const offer = (images: readonly Image[]): void => {
    const ids = images.filter((image) => !isContainerImage(image) && !isIso(image)).map(({ id }) => id);
    cd.offer(images.filter(isIso));
    select.replaceChildren(
      ...(ids.length > 1 ? [h('option', { value: '' }, 'Select an image')] : []),
      ...ids.map((id) => h('option', { value: id }, id)),
      h('option', { value: EMPTY_DISK }, 'None (empty disk)'),
    );
    list.replaceChildren(...images.filter(isContainerImage).map(({ id }) => h('option', { value: id })));
    if (ids.length > 0) return;
    note.replaceChildren(
      'This host has no images. ',
      h('a', { href: '#/images', onclick: () => note.closest('dialog')?.close() }, 'Fetch an image'),
      ' first: a guest with an empty disk boots from a CD only.',
    );
  };
  const isContainerShown = (): boolean => !containerField.hidden;
  const show = (type: string): void => {
    const isNamed = type === 'container';
    containerField.hidden = !isNamed;
    diskField.hidden = isNamed;
    select.disabled = isNamed;
    nameInput.disabled = !isNamed;
    note.hidden = isNamed || note.textContent === '';
    notify();
  };
  const load = async (): Promise<void> => {
    try {
      offer(await getImages());
    } catch (error) {
      offer([]);
      note.textContent = errorText(error);
    }
    show(isContainerShown() ? 'container' : 'kvm');
  };
  show('kvm');
  void load();
  return {
    elements: [note, diskField, containerField, cd.element, list],
    input: () => (isContainerShown() ? nameInput : select),
    value: () => {
      const value = isContainerShown() ? nameInput.value.trim() : select.value;
      return value === EMPTY_DISK ? undefined : value;
    },
    cds: cd.values,
    show,
  };
};
