import type { Guest } from '../../../model/guest.js';
import { shortImageId } from '../../../portable/format.js';
import { knownAddresses } from '../addresses.js';
import { bulkBar } from '../bulk/bar.js';
import { Selection, selectionColumn } from '../bulk/selection.js';
import { openCreate } from '../create.js';
import { h, setText } from '../dom.js';
import { firstSteps } from '../first-steps.js';
import { ListFilter } from '../list-filter.js';
import { measurements } from '../metrics.js';
import { stateOf } from '../parts.js';
import { go, type View } from '../router.js';
import { isReadOnly } from '../session.js';
import { type JobState, store } from '../store.js';
import { openImport } from '../transfer.js';
import { type Order, VirtualTable } from '../virtual-table.js';
import { guestColumns, isOff, nameOf } from './guest-columns.js';

/** The text that the filter searches. */
const textOf = ({ id, state, image, type, tags, description, metadata, disks }: Guest): string =>
  [
    id,
    state,
    image,
    type,
    description,
    ...(tags ?? []),
    ...Object.values(metadata ?? {}),
    ...(disks ?? []).map((disk) => disk.image),
    ...knownAddresses.of(id).map(({ address }) => address),
  ].join(' ');

/** The image that a guest was made from. */
const imagesOf = ({ image, disks = [] }: Guest): (string | undefined)[] => [image || disks[0]?.image];

const FAILED = ['error', 'crashed', 'blocked'];

/** The order outlives the page, for when the user comes back. */
const order: Order = { column: 'Name', direction: 1 };

const summaryOf = (shown: readonly Guest[], isFiltered: boolean): string => {
  if (!store.isLoaded || store.guests.size === 0) return '';
  const [some, all] = [shown.length, store.guests.size].map((many) => many.toLocaleString('en'));
  if (isFiltered) return `${some} of ${all} shown`;
  const running = shown.reduce((sum, guest) => sum + (isOff(guest) ? 0 : 1), 0);
  return `${running.toLocaleString('en')} of ${all} running`;
};

const filterOf = (table: VirtualTable<Guest>, onChange: () => void): ListFilter<Guest> =>
  new ListFilter<Guest>({
    label: 'Filter guests',
    placeholder: 'Filter by name, address, tag, state',
    ...{ textOf, table, onChange },
    choices: [
      { key: 'state', label: 'State', any: 'Any state', of: (guest) => [stateOf(guest)] },
      { key: 'tag', label: 'Tag', any: 'Any tag', of: ({ tags = [] }) => tags },
      { key: 'image', label: 'Image', any: 'Any image', of: imagesOf, words: shortImageId },
    ],
    toggles: [{ key: 'errors', label: 'Errors only', includes: ({ state = '' }) => FAILED.includes(state) }],
  });

export const guestsView = (): View => {
  let jobs = new Map<string, JobState>();
  const steps = firstSteps();
  const selection = new Selection(() => draw());
  const table = new VirtualTable<Guest>({
    label: 'Guests',
    columns: [
      selectionColumn<Guest>({ selection, idOf: ({ id }) => id, nameOf, what: 'guests' }),
      ...guestColumns(({ id }) => jobs.get(id)),
    ],
    idOf: ({ id }) => id,
    open: ({ id }) => go('guests', id),
    order,
    empty: () => {
      if (!store.isLoaded) return 'Loading …';
      return store.guests.size > 0 ? 'No guests match the filter.' : steps.element;
    },
  });
  const summary = h('span', { class: 'faint', role: 'status' });
  const bulk = bulkBar(selection);
  const draw = (): void => {
    jobs = store.activeByGuest();
    const guests = filter.apply(store.guests.values());
    // An action on guests that the list does not show would be a surprise.
    selection.show(guests.map(({ id }) => id));
    table.items = guests;
    bulk.update();
    setText(summary, summaryOf(guests, filter.isActive));
  };
  const filter = filterOf(table, draw);
  measurements.start();
  knownAddresses.start();
  return {
    title: 'Guests',
    element: h(
      'section',
      { class: 'page fill' },
      h(
        'div',
        { class: 'toolbar' },
        h('h1', {}, 'Guests'),
        filter.element,
        summary,
        h('span', { class: 'grow' }),
        h('button', { class: 'changes', onclick: () => openImport() }, 'Import'),
        h(
          'button',
          { class: 'primary changes', 'aria-keyshortcuts': 'n', onclick: () => openCreate() },
          'New guest',
        ),
      ),
      bulk.element,
      table.element,
    ),
    update: (kinds) => {
      if (kinds.has('images') && store.isLoaded && store.guests.size === 0) steps.update();
      if (['guests', 'jobs', 'metrics', 'addresses'].some((kind) => kinds.has(kind as 'guests'))) draw();
    },
    key: (event) => {
      const { key } = event;
      if (key === 'n' && !isReadOnly()) openCreate();
      else if (key === 'x' && table.active && !isReadOnly()) selection.toggle(table.active.id);
      else if (key === 'Escape' && selection.size > 0) selection.clear();
      else return filter.key(event) || table.key(event);
      return true;
    },
    focus: () => table.element.focus({ preventScroll: true }),
    close: () => {
      measurements.stop();
      knownAddresses.stop();
    },
  };
};
