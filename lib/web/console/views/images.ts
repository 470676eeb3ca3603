import type { Image } from '../../../model/image.js';
import { formatMb } from '../../../portable/format.js';
import { errorText, path, submit } from '../api.js';
import { confirm, field, formDialog } from '../dialogs.js';
import { h, setAttribute } from '../dom.js';
import { isContainer, listImages } from '../images.js';
import { follow, titleOf } from '../jobs.js';
import { jobProgress, stateCell } from '../parts.js';
import type { View } from '../router.js';
import { type JobState, store } from '../store.js';
import { type Cell, type Order, textCell, VirtualTable } from '../virtual-table.js';

const baseOf = (image: Pick<Image, 'type'>): string => (isContainer(image) ? '/container_images' : '/images');

const deleteImage = (image: Image): Promise<boolean> =>
  confirm(
    {
      title: `Delete the image ${image.id}?`,
      text: 'Guests cannot be made from it any more. It can be fetched again.',
      action: 'Delete',
      isDangerous: true,
    },
    async () => {
      const { jobId } = await submit('DELETE', baseOf(image) + path`/${image.id}`);
      follow(jobId, { title: `Delete ${image.id}`, done: `${image.id} is deleted.` });
    },
  );

const deleteCell = (): Cell<Image> => {
  let image: Image | undefined;
  const button = h('button', { class: 'small', onclick: () => image && void deleteImage(image) }, 'Delete …');
  return {
    element: button,
    update: (now) => {
      image = now;
      setAttribute(button, 'aria-label', `Delete ${now.id}`);
    },
  };
};

const fetchImage = (): Promise<boolean> => {
  const input = (attributes: Record<string, string | boolean>): HTMLInputElement =>
    h('input', { autocomplete: 'off', spellcheck: 'false', ...attributes });
  const id = input({ required: true, placeholder: 'debian-12', autofocus: true });
  const source = input({ placeholder: 'https://…' });
  const sha256 = input({ placeholder: '64 hexadecimal digits', pattern: '[0-9a-fA-F]{64}' });
  const type = h(
    'select',
    {},
    h('option', { value: 'kvm' }, 'Disk of virtual machines'),
    h('option', { value: 'container' }, 'Container image'),
  );
  return formDialog({
    title: 'Fetch an image',
    action: 'Fetch',
    content: [
      field('Kind', type),
      field('Id', id, 'What to call it; of a container image its name: docker.io/library/busybox:1'),
      field('From', source, 'An http, https or file URL. Container images come from their registry'),
      field('SHA-256', sha256, 'When it is given, the file must have it'),
    ],
    isComplete: () => id.value.trim() !== '',
    submit: async () => {
      const image = {
        id: id.value.trim(),
        type: type.value,
        ...(source.value.trim() ? { source: source.value.trim() } : {}),
        ...(sha256.value.trim() ? { sha256: sha256.value.trim() } : {}),
      };
      const { jobId } = await submit('POST', baseOf(image), image);
      follow(jobId, { title: `Fetch ${image.id}`, done: `${image.id} is fetched.` });
    },
  });
};

/** A line for each fetch that is under way. */
const fetches = (): HTMLElement[] =>
  [...store.active.values()]
    .filter(({ job }) => /fetchImage$/i.test(job.Action))
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

/** It stays when one comes back to the list. */
const order: Order = { column: 'Id', direction: 1 };

export const imagesView = (): View => {
  let images: Image[] = [];
  let problem = '';
  const table = new VirtualTable<Image>({
    label: 'Images',
    columns: [
      {
        title: 'Id',
        class: 'c-name',
        cell: textCell(({ id }) => id),
        compare: (a, b) => (a.id < b.id ? -1 : 1),
      },
      {
        title: 'Kind',
        class: 'c-kind',
        cell: textCell((image) => (isContainer(image) ? 'container' : 'disk')),
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
      { title: '', class: 'c-cancel', cell: deleteCell },
    ],
    idOf: (image) => `${image.type}-${image.id}`,
    order,
    empty: () => problem || 'There are no images yet. Fetch one, to make guests from.',
  });
  const underWay = h('ul', { class: 'under-way', 'aria-label': 'Fetches under way' });
  const load = async (): Promise<void> => {
    try {
      images = await listImages();
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
        h(
          'button',
          { class: 'primary', 'aria-keyshortcuts': 'n', onclick: () => void fetchImage() },
          'Fetch an image',
        ),
      ),
      underWay,
      table.element,
    ),
    update: (kinds) => {
      if (kinds.has('images')) void load();
      if (kinds.has('jobs')) underWay.replaceChildren(...fetches());
    },
    key: (event) => {
      if (event.key !== 'n') return table.key(event);
      void fetchImage();
      return true;
    },
    focus: () => table.element.focus({ preventScroll: true }),
  };
};
