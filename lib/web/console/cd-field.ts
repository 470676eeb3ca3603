import type { Image } from '../../model/image.js';
import { field } from './dialogs.js';
import { h } from './dom.js';

const NONE = '';

/** The field for the ISO image in a CD drive. */
export interface CdField {
  element: HTMLElement;
  offer: (images: readonly Image[]) => void;
  show: (isShown: boolean) => void;
  /** The chosen image; none while the field is hidden. */
  values: () => string[];
}

export const cdField = (): CdField => {
  const select = h('select', {}, h('option', { value: NONE }, 'None'));
  const element = field(
    'CD',
    select,
    'The ISO image to install from. The guest boots from it until its disk can boot.',
  );
  return {
    element,
    offer: (images) =>
      select.replaceChildren(
        h('option', { value: NONE }, 'None'),
        ...images.map(({ id }) => h('option', { value: id }, id)),
      ),
    show: (isShown) => {
      element.hidden = !isShown;
    },
    values: () => (element.hidden || !select.value ? [] : [select.value]),
  };
};
