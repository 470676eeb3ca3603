import { path } from '../../../client/path.js';
import { ACTION_SPECS } from '../../../model/actions.js';
import type { Image } from '../../../model/image.js';
import { formatMb } from '../../../portable/format.js';
import { errorText, submit } from '../api.js';
import { confirm, field, formDialog } from '../dialogs.js';
import { h, setAttribute } from '../dom.js';
import { fetchImage } from '../fetch-image-dialog.js';
import { uploadImage } from '../image-upload.js';
import { getImages, imagesPath, isContainerImage, SUM_PATTERN, sumOf } from '../images.js';
import { follow, titleOf } from '../jobs.js';
import { jobProgress, stateCell } from '../parts.js';
import type { View } from '../router.js';
import { isReadOnly } from '../session.js';
import { type JobState, store } from '../store.js';
import { type Cell, type Order, textCell, VirtualTable } from '../virtual-table.js';

const deleteImage = (image: Image): Promise<boolean> =>
  confirm(
    {
      title: `Delete image ${image.id}?`,
      text: 'New guests can no longer be created from it, unless you fetch it again.',
      action: 'Delete',
      isDangerous: true,
    },
    async () => {
      const { jobId } = await submit('DELETE', imagesPath(image) + path`/${image.id}`);
      follow(jobId, { title: `Delete ${image.id}`, done: `${image.id} deleted.` });
    },
  );

const deleteCell = (): Cell<Image> => {
  let image: Image | undefined;
  const button = h(
    'button',
    { class: 'small changes', onclick: () => image && void deleteImage(image) },
    'Delete',
  );
  return {
    element: button,
    update: (now) => {
      image = now;
      setAttribute(button, 'aria-label', `Delete ${now.id}`);
    },
  };
};

/** A name for the image in a file: that of the file, without its endings. */
const nameIn = (file: File): string =>
  file.name.replace(/(\.(gz|xz|zst|bz2|img|raw|qcow2|vmdk|vdi|vhdx?))+$/i, '');

const sendImage = async (): Promise<void> => {
  const file = h('input', { type: 'file', required: true, autofocus: true });
  const id = h('input', { autocomplete: 'off', spellcheck: 'false', required: true });
  const sum = h('input', { autocomplete: 'off', spellcheck: 'false', pattern: SUM_PATTERN });
  const bar = h('progress', { max: 100, hidden: true, 'aria-label': 'Progress of the upload' });
  const closed = new AbortController();
  await formDialog({
    title: 'Upload image',
    action: 'Upload',
    content: [
      field(
        'File',
        file,
        'A disk image: raw, qcow2, …, packed or not. Keep this page open until it is sent.',
      ),
      field('ID', id, 'Any name'),
      field('SHA-256 or SHA-512', sum, 'Optional; checked against what arrives'),
      bar,
    ],
    isComplete: () => {
      const [chosen] = file.files ?? [];
      if (chosen && id.value === '') id.value = nameIn(chosen);
      return chosen !== undefined && id.value.trim() !== '';
    },
    submit: async () => {
      const [chosen] = file.files ?? [];
      if (!chosen) return;
      bar.hidden = false;
      const name = id.value.trim();
      const jobId = await uploadImage({
        ...{ id: name, file: chosen, query: sumOf(sum.value.trim()), signal: closed.signal },
        onProgress: (received) => {
          bar.value = Math.floor((100 * received) / Math.max(1, chosen.size));
        },
      });
      follow(jobId, { title: `Upload ${name}`, done: `${name} is in the store.` });
    },
  });
  closed.abort();
};

/** Creates a line for each fetch that has not ended. */
const fetches = (): HTMLElement[] =>
  [...store.active.values()]
    .filter(({ job }) => ACTION_SPECS.get(job.Action)?.imageChange === 'fetched')
    .map((state: JobState) => {
      const progress = jobProgress();
      progress.update(state);
      return h(
        'li',
        {},
        titleOf(state.job.ID) ?? '',
        ' ',
        progress.element,
        ' ',
        h('span', { class: 'faint' }, state.job.Message),
      );
    });

/** Outlives the page, for when the user comes back. */
const order: Order = { column: 'ID', direction: 1 };

export const imagesView = (): View => {
  let images: Image[] = [];
  let problem = '';
  const table = new VirtualTable<Image>({
    label: 'Images',
    columns: [
      {
        title: 'ID',
        class: 'c-name',
        cell: textCell(({ id }) => id),
        compare: (a, b) => (a.id < b.id ? -1 : 1),
      },
      {
        title: 'Type',
        class: 'c-kind',
        cell: textCell((image) => (isContainerImage(image) ? 'container' : 'disk')),
        compare: (a, b) => (a.type < b.type ? -1 : 1),
      },
      {
        title: 'Status',
        class: 'c-state medium-only',
        cell: stateCell(({ status }) => status || 'complete'),
      },
      {
        title: 'Size',
        class: 'c-number',
        cell: textCell(({ size }) => (size > 0 ? formatMb(size) : '')),
        compare: (a, b) => b.size - a.size,
      },
      {
        title: 'Used',
        class: 'c-number medium-only',
        cell: textCell(({ used }) => formatMb(used)),
        compare: (a, b) => (b.used ?? 0) - (a.used ?? 0),
      },
      { title: 'Actions', isTitleHidden: true, class: 'c-cancel', cell: deleteCell },
    ],
    idOf: (image) => `${image.type}-${image.id}`,
    order,
    empty: () => problem || 'No images yet. Fetch one to create guests from it.',
  });
  const fetchList = h('ul', { class: 'under-way', 'aria-label': 'Running fetches' });
  const load = async (): Promise<void> => {
    try {
      images = await getImages();
      problem = '';
    } catch (error) {
      problem = errorText(error);
    }
    table.items = images;
  };
  return {
    title: 'Images',
    element: h(
      'section',
      { class: 'page fill' },
      h(
        'div',
        { class: 'toolbar' },
        h('h1', {}, 'Images'),
        h('span', { class: 'grow' }),
        h('button', { class: 'changes', onclick: () => void sendImage() }, 'Upload image'),
        h(
          'button',
          { class: 'primary changes', 'aria-keyshortcuts': 'n', onclick: () => void fetchImage() },
          'Fetch image',
        ),
      ),
      fetchList,
      table.element,
    ),
    update: (kinds) => {
      if (kinds.has('images')) void load();
      if (kinds.has('jobs')) fetchList.replaceChildren(...fetches());
    },
    key: (event) => {
      if (event.key !== 'n' || isReadOnly()) return table.key(event);
      void fetchImage();
      return true;
    },
    focus: () => table.element.focus({ preventScroll: true }),
  };
};
