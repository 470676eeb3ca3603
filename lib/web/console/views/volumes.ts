import { path } from '../../../client/path.js';
import type { NewVolume, Volume } from '../../../model/volume.js';
import { formatMb } from '../../../portable/format.js';
import { errorText, get, submit } from '../api.js';
import { confirm, field, formDialog } from '../dialogs.js';
import { h, setAttribute } from '../dom.js';
import { follow } from '../jobs.js';
import { ListFilter } from '../list-filter.js';
import type { View } from '../router.js';
import { isReadOnly } from '../session.js';
import { store } from '../store.js';
import { timeCell } from '../times.js';
import { type Cell, type Order, textCell, VirtualTable } from '../virtual-table.js';
import { backUpVolume, showVolumeBackups } from '../volume-backups.js';

const deleteVolume = ({ name }: Volume): Promise<boolean> =>
  confirm(
    {
      title: `Delete volume ${name}?`,
      text: 'Its files are lost.',
      action: 'Delete',
      isDangerous: true,
    },
    async () => {
      const { jobId } = await submit('DELETE', path`/volumes/${name}`);
      follow(jobId, { title: `Delete ${name}`, done: `${name} deleted.` });
    },
  );

const actionsCell = (): Cell<Volume> => {
  let volume: Volume | undefined;
  const backUp = h(
    'button',
    { class: 'small changes', onclick: () => volume && void backUpVolume(volume) },
    'Back up',
  );
  const button = h(
    'button',
    { class: 'small changes', onclick: () => volume && void deleteVolume(volume) },
    'Delete',
  );
  return {
    element: h('span', { class: 'row-actions' }, backUp, button),
    update: (now) => {
      volume = now;
      setAttribute(backUp, 'aria-label', `Back up ${now.name}`);
      button.disabled = now.guests.length > 0;
      setAttribute(button, 'aria-label', `Delete ${now.name}`);
      setAttribute(button, 'title', now.guests.length > 0 ? 'Delete its guests first' : '');
    },
  };
};

const createVolume = (): Promise<boolean> => {
  const name = h('input', {
    ...{ required: true, autocomplete: 'off', spellcheck: 'false', placeholder: 'shop-data' },
    ...{ pattern: '[a-zA-Z0-9][a-zA-Z0-9_.\\-]*', autofocus: true },
  });
  const size = h('input', { type: 'number', min: '1', inputmode: 'numeric', placeholder: 'no limit' });
  return formDialog({
    title: 'New volume',
    action: 'Create',
    content: [
      field('Name', name, 'Letters, digits and _ . -'),
      field('Limit in MB', size, 'Optional; only where the container engine can enforce it'),
    ],
    isComplete: () => name.value.trim() !== '',
    submit: async () => {
      const volume: NewVolume = {
        name: name.value.trim(),
        ...(size.value === '' ? {} : { size: Number(size.value) }),
      };
      const { jobId } = await submit('POST', '/volumes', volume);
      follow(jobId, { title: `Create ${volume.name}`, done: `${volume.name} created.` });
    },
  });
};

const guestsOf = ({ guests }: Volume): string => guests.map((id) => store.nameOf(id)).join(', ');

/** Outlives the page, for when the user comes back. */
const order: Order = { column: 'Name', direction: 1 };

export const volumesView = (): View => {
  let problem = '';
  const table = new VirtualTable<Volume>({
    label: 'Volumes',
    columns: [
      {
        title: 'Name',
        class: 'c-name',
        cell: textCell(({ name }) => name),
        compare: (a, b) => (a.name < b.name ? -1 : 1),
      },
      {
        title: 'Guests',
        class: 'c-name',
        cell: textCell(guestsOf),
        compare: (a, b) => (guestsOf(a) < guestsOf(b) ? -1 : 1),
      },
      {
        title: 'Limit',
        class: 'c-number medium-only',
        cell: textCell(({ size }) => formatMb(size)),
        compare: (a, b) => (b.size ?? 0) - (a.size ?? 0),
      },
      {
        title: 'Created',
        class: 'c-time medium-only',
        cell: timeCell(({ created }) => created),
        compare: (a, b) => ((a.created ?? '') < (b.created ?? '') ? 1 : -1),
      },
      { title: 'Actions', isTitleHidden: true, class: 'c-buttons', cell: actionsCell },
    ],
    idOf: ({ name }) => name,
    order,
    empty: () => {
      if (problem) return problem;
      return volumes.length > 0
        ? 'No volumes match the filter.'
        : 'No volumes yet. Create one to keep the files of containers.';
    },
  });
  let volumes: Volume[] = [];
  const draw = (): void => {
    table.items = filter.apply(volumes);
  };
  const filter = new ListFilter<Volume>({
    ...{ label: 'Filter volumes', placeholder: 'Filter by name or guest', table, onChange: draw },
    textOf: (volume) => `${volume.name} ${guestsOf(volume)}`,
    toggles: [{ key: 'unused', label: 'Unused', includes: ({ guests }) => guests.length === 0 }],
  });
  const load = async (): Promise<void> => {
    try {
      volumes = await get<Volume[]>('/volumes');
      problem = '';
    } catch (error) {
      problem = errorText(error);
    }
    draw();
  };
  return {
    title: 'Volumes',
    element: h(
      'section',
      { class: 'page fill' },
      h(
        'div',
        { class: 'toolbar' },
        h('h1', {}, 'Volumes'),
        filter.element,
        h('span', { class: 'grow' }),
        h('button', { onclick: () => void showVolumeBackups() }, 'Backups'),
        h(
          'button',
          { class: 'primary changes', 'aria-keyshortcuts': 'n', onclick: () => void createVolume() },
          'New volume',
        ),
      ),
      table.element,
    ),
    update: (kinds) => {
      if (kinds.has('volumes')) void load();
    },
    key: (event) => {
      if (event.key !== 'n' || isReadOnly()) return filter.key(event) || table.key(event);
      void createVolume();
      return true;
    },
    focus: () => table.element.focus({ preventScroll: true }),
  };
};
