import type { CatalogueFetch } from '../../model/catalogue.js';
import type { ImageFetch } from '../../model/image.js';
import { submit } from './api.js';
import { catalogueField } from './catalogue-field.js';
import { field, formDialog } from './dialogs.js';
import { h } from './dom.js';
import { imagesPath, SUM_PATTERN, sumOf } from './images.js';
import { follow } from './jobs.js';

/** Lets the user fetch an image: one of the catalogue, or of any source. */
export const fetchImage = (): Promise<boolean> => {
  const input = (attributes: Record<string, string | boolean>): HTMLInputElement =>
    h('input', { autocomplete: 'off', spellcheck: 'false', ...attributes });
  const id = input({ required: true, placeholder: 'debian-12', autofocus: true });
  const source = input({ placeholder: 'https://…' });
  const sum = input({ placeholder: '64 or 128 hex digits', pattern: SUM_PATTERN });
  const refresh = h('input', { type: 'checkbox' });
  const type = h(
    'select',
    {},
    h('option', { value: 'kvm' }, 'Disk image'),
    h('option', { value: 'container' }, 'Container image'),
  );
  let offered: CatalogueFetch | undefined;
  const catalogue = catalogueField((image) => {
    offered = image.fetch;
    id.value = offered.id;
    source.value = offered.source;
    sum.value = offered.sha256 ?? offered.sha512 ?? '';
    type.value = 'kvm';
  });
  /** What the catalogue says beside the fields, as long as the source is its own. */
  const unseen = (): Partial<ImageFetch> => {
    const { sums, format, source: own } = offered ?? {};
    if (own !== source.value.trim()) return {};
    return { ...(sums ? { sums } : {}), ...(format ? { format } : {}) };
  };
  return formDialog({
    title: 'Fetch image',
    action: 'Fetch',
    content: [
      catalogue,
      field('Type', type),
      field('ID', id, 'Any name; for a container image its full name: docker.io/library/busybox:1'),
      field('Source', source, 'An http, https or file URL. Leave empty for container images.'),
      field('SHA-256 or SHA-512', sum, 'Optional; checked against the downloaded file'),
      h(
        'label',
        { class: 'check' },
        refresh,
        'Replace the image if it exists; guests keep what they were made of',
      ),
    ],
    isComplete: () => id.value.trim() !== '',
    submit: async () => {
      const image = {
        id: id.value.trim(),
        type: type.value,
        ...(source.value.trim() ? { source: source.value.trim() } : {}),
        ...sumOf(sum.value.trim()),
        ...unseen(),
        ...(refresh.checked ? { refresh: true } : {}),
      };
      const { jobId } = await submit('POST', imagesPath(image), image);
      follow(jobId, { title: `Fetch ${image.id}`, done: `${image.id} is in the store.` });
    },
  });
};
