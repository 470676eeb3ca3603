import type { CatalogueImage, CatalogueListing } from '../../model/catalogue.js';
import { counted } from '../../model/units.js';
import { findByName } from '../../portable/catalogue-names.js';
import { formatAge, formatBytes } from '../../portable/format.js';
import { errorText, get } from './api.js';
import { h } from './dom.js';
import { textInput } from './inputs.js';

const LIST_ID = 'catalogue-images';

const optionOf = ({ id, title, version, size }: CatalogueImage): HTMLOptionElement =>
  h('option', {
    value: id,
    label: [title, version, size === undefined ? '' : formatBytes(size)].filter(Boolean).join(', '),
  });

const summaryOf = ({ images, sources }: CatalogueListing): string => {
  if (sources.length === 0) return 'The config of this host names no catalogue.';
  const problems = sources.flatMap(({ name, problem, read }) =>
    problem === undefined
      ? []
      : [
          ` ${name} cannot be read (${problem})${read === undefined ? '' : `; listed as it was ${formatAge(read)}`}.`,
        ],
  );
  return `${counted(images.length, 'image')} for this host, each with its sum.${problems.join('')}`;
};

/**
 * Creates a field that offers the images of the catalogue.
 * @param onChoose called with the image that was chosen, or whose name was typed
 */
export const catalogueField = (onChoose: (image: CatalogueImage) => void): HTMLElement => {
  let images: readonly CatalogueImage[] = [];
  const list = h('datalist', { id: LIST_ID });
  const hint = h('small', {}, 'Loading …');
  const choose = (): void => {
    const image = findByName(images, input.value.trim());
    if (image) onChoose(image);
  };
  const input = textInput({ list: LIST_ID, placeholder: 'debian/13' });
  input.addEventListener('input', choose);
  const load = async (): Promise<void> => {
    const listing = await get<CatalogueListing>('/catalogue');
    images = listing.images;
    list.replaceChildren(...images.map(optionOf));
    hint.textContent = summaryOf(listing);
    choose();
  };
  load().catch((error: unknown) => {
    hint.textContent = errorText(error);
  });
  return h('label', {}, h('span', {}, 'From the catalogue'), input, list, hint);
};
