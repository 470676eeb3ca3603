import { path } from '../../../client/path.js';
import { ACTION_SPECS } from '../../../model/actions.js';
import type { Image } from '../../../model/image.js';
import { formatMb } from '../../../portable/format.js';
import { errorText, submit } from '../api.js';
import { confirm } from '../dialogs.js';
import { h, setAttribute } from '../dom.js';
import { fetchImage } from '../fetch-image-dialog.js';
import { openUpload } from '../image-upload.js';
import { getImages, imagesPath, isContainerImage, isIso } from '../images.js';
import { follow, titleOf } from '../jobs.js';
import { ListFilter } from '../list-filter.js';
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

const kindOf = (image: Image): string => {
  if (isContainerImage(image)) return 'container';
  return isIso(image) ? 'CD' : 'disk';
};
const statusOf = ({ status }: Image): string => status || 'complete';

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
        cell: textCell(kindOf),
        compare: (a, b) => (a.type < b.type ? -1 : 1),
      },
      {
        title: 'Status',
        class: 'c-state medium-only',
        cell: stateCell(statusOf),
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
    empty: () => {
      if (problem) return problem;
      return images.length > 0
        ? 'No images match the filter.'
        : 'No images yet. Fetch one to create guests from it.';
    },
  });
  const draw = (): void => {
    table.items = filter.apply(images);
  };
  const filter = new ListFilter<Image>({
    ...{ label: 'Filter images', placeholder: 'Filter by ID', table, onChange: draw },
    textOf: (image) => `${image.id} ${kindOf(image)} ${statusOf(image)}`,
    choices: [
      { key: 'type', label: 'Type', any: 'Any type', of: (image) => [kindOf(image)] },
      { key: 'status', label: 'Status', any: 'Any status', of: (image) => [statusOf(image)] },
    ],
  });
  const fetchList = h('ul', { class: 'under-way', 'aria-label': 'Running fetches' });
  const load = async (): Promise<void> => {
    try {
      images = await getImages();
      problem = '';
    } catch (error) {
      problem = errorText(error);
    }
    draw();
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
        filter.element,
        h('span', { class: 'grow' }),
        h('button', { class: 'changes', onclick: () => void openUpload() }, 'Upload image'),
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
      if (event.key !== 'n' || isReadOnly()) return filter.key(event) || table.key(event);
      void fetchImage();
      return true;
    },
    focus: () => table.element.focus({ preventScroll: true }),
  };
};
