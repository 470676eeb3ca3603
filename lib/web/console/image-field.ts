import type { Image } from '../../model/image.js';
import { errorText } from './api.js';
import { field } from './dialogs.js';
import { h } from './dom.js';
import { isContainer, listImages } from './images.js';

/** What no image can be called. */
const EMPTY_DISK = '(empty)';

export interface ImageField {
  elements: HTMLElement[];
  /** Where messages about the image are marked. */
  input(): HTMLElement;
  /** Absent for an empty disk. */
  value(): string | undefined;
  /** Of the kind of guest that is chosen. */
  show(type: string): void;
}

/**
 * Of what a guest is made: an image of the host; a container also of any other, which its engine pulls.
 * @param onChange is told whether there is to be an empty disk
 */
export const imageField = (onChange: (isEmpty: boolean) => void): ImageField => {
  const tell = (): void => onChange(!select.disabled && select.value === EMPTY_DISK);
  const select = h(
    'select',
    { 'aria-label': 'Image', required: true, onchange: tell },
    h('option', { value: '' }, 'Loading …'),
  );
  const list = h('datalist', { id: 'images' });
  const named = h('input', {
    list: 'images',
    placeholder: 'docker.io/library/busybox:1',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
  });
  const ofDisk = field('Image', select);
  const ofContainer = field(
    'Container image',
    named,
    'One that is not on this host is pulled from its registry',
  );
  const note = h('p', { class: 'note', hidden: true });

  const offer = (images: readonly Image[]): void => {
    const ids = images.filter((image) => !isContainer(image)).map(({ id }) => id);
    select.replaceChildren(
      ...(ids.length > 1 ? [h('option', { value: '' }, 'Choose one')] : []),
      ...ids.map((id) => h('option', { value: id }, id)),
      h('option', { value: EMPTY_DISK }, 'no image: an empty disk'),
    );
    list.replaceChildren(...images.filter(isContainer).map(({ id }) => h('option', { value: id })));
    if (ids.length > 0) return;
    note.replaceChildren(
      'This host has no images yet. ',
      h('a', { href: '#/images', onclick: () => note.closest('dialog')?.close() }, 'Fetch an image'),
      ' first: a guest with an empty disk has nothing to boot from.',
    );
  };
  const isOfContainer = (): boolean => !ofContainer.hidden;
  const show = (type: string): void => {
    const isNamed = type === 'container';
    ofContainer.hidden = !isNamed;
    ofDisk.hidden = isNamed;
    select.disabled = isNamed;
    named.disabled = !isNamed;
    note.hidden = isNamed || note.textContent === '';
    tell();
  };
  const load = async (): Promise<void> => {
    try {
      offer(await listImages());
    } catch (error) {
      offer([]);
      note.textContent = errorText(error);
    }
    show(isOfContainer() ? 'container' : 'kvm');
  };
  show('kvm');
  void load();
  return {
    elements: [note, ofDisk, ofContainer, list],
    input: () => (isOfContainer() ? named : select),
    value: () => {
      const value = isOfContainer() ? named.value.trim() : select.value;
      return value === EMPTY_DISK ? undefined : value;
    },
    show,
  };
};
