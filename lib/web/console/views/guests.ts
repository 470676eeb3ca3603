import type { Guest } from '../../../model/guest.js';
import { formatMb, shortId } from '../../../portable/format.js';
import { reachableAddresses } from '../../../portable/reachable-addresses.js';
import { knownAddresses } from '../addresses.js';
import { type Key, spark } from '../chart.js';
import { openCreate } from '../create.js';
import { h, setAttribute, setText } from '../dom.js';
import { firstSteps } from '../first-steps.js';
import { warmWords } from '../guest/warm.js';
import { measurements } from '../metrics.js';
import { jobProgress, stateCell, stateOf } from '../parts.js';
import { address, go, type View } from '../router.js';
import { isReadOnly } from '../session.js';
import { type JobState, store } from '../store.js';
import { openImport } from '../transfer.js';
import { type Cell, type Order, type TableColumn, textCell, VirtualTable } from '../virtual-table.js';
import { formatPercent, formatRate } from '../words.js';

/** Sorts web-2 before web-10. */
const { compare } = new Intl.Collator('en', { numeric: true });

const nameOf = ({ id, metadata }: Guest): string => metadata?.name || shortId(id);
const addressOf = (guest: Guest): string => reachableAddresses(guest, knownAddresses.of(guest.id))[0] ?? '';
const isOff = ({ state }: Guest): boolean => state !== 'running';

const nameCell = (): Cell<Guest> => {
  const name = h('a');
  const id = h('small', { class: 'mono faint' });
  const tags = h('small', { class: 'faint' });
  return {
    element: h('span', { class: 'name' }, name, id, tags),
    update: (guest) => {
      setText(name, nameOf(guest));
      setAttribute(name, 'href', address('guests', guest.id));
      setText(id, guest.metadata?.name ? shortId(guest.id) : '');
      setText(tags, guest.tags?.join(', ') ?? '');
    },
  };
};

/** A sparkline with the newest value beside it; empty for a guest that is off. */
const rateCell =
  (keys: readonly Key[], format: (value: number) => string, floor: (guest: Guest) => number) =>
  (): Cell<Guest> => {
    const { element: line, update } = spark(keys);
    const value = h('span', { class: 'number' });
    return {
      element: h('span', { class: 'rate' }, line, value),
      update: (guest) => {
        const points = isOff(guest) ? [] : measurements.historyOf(guest.id);
        const now = points.at(-1);
        setText(value, now ? format(keys.reduce((sum, key) => sum + now[key], 0)) : '');
        update(points, floor(guest));
      },
    };
  };

const currentRate =
  (...keys: Key[]) =>
  (guest: Guest): number => {
    const now = isOff(guest) ? undefined : measurements.latest(guest.id);
    return now ? keys.reduce((sum, key) => sum + now[key], 0) : -1;
  };

const by =
  (value: (guest: Guest) => number) =>
  (one: Guest, other: Guest): number =>
    value(other) - value(one);

const KB = 1024;

const columnsOf = (jobOf: (guest: Guest) => JobState | undefined): TableColumn<Guest>[] => [
  { title: 'Name', class: 'c-name', cell: nameCell, compare: (a, b) => compare(nameOf(a), nameOf(b)) },
  {
    title: 'State',
    class: 'c-state',
    cell: stateCell<Guest>(stateOf, (guest) => warmWords(guest) ?? guest.reason),
    compare: (a, b) => compare(stateOf(a), stateOf(b)),
  },
  {
    title: 'Address',
    class: 'c-address',
    cell: textCell(addressOf, 'mono'),
    compare: (a, b) => compare(addressOf(a), addressOf(b)),
  },
  {
    title: 'CPU',
    class: 'c-rate',
    cell: rateCell(['cpu'], formatPercent, ({ cpu = 1 }) => 100 * cpu),
    compare: by(currentRate('cpu')),
  },
  {
    title: 'Disk',
    class: 'c-rate wide-only',
    cell: rateCell(['read', 'written'], formatRate, () => 64 * KB),
    compare: by(currentRate('read', 'written')),
  },
  {
    title: 'Network',
    class: 'c-rate wide-only',
    cell: rateCell(['received', 'sent'], formatRate, () => 16 * KB),
    compare: by(currentRate('received', 'sent')),
  },
  {
    title: 'Memory',
    class: 'c-number medium-only',
    cell: textCell(({ memory }) => formatMb(memory)),
    compare: by(({ memory = 0 }) => memory),
  },
  {
    title: 'vCPUs',
    class: 'c-number medium-only',
    cell: textCell(({ cpu }) => String(cpu ?? '')),
    compare: by(({ cpu = 0 }) => cpu),
  },
  {
    title: 'Job',
    class: 'c-job medium-only',
    cell: () => {
      const { element, update } = jobProgress();
      return { element, update: (guest) => update(jobOf(guest)) };
    },
  },
];

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
  ]
    .join(' ')
    .toLowerCase();

const matching = (text: string): Guest[] => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...store.guests.values()];
  if (words.length === 0) return all;
  return all.filter((guest) => {
    const searched = textOf(guest);
    return words.every((word) => searched.includes(word));
  });
};

/** The filter and the order outlive the page, for when the user comes back. */
let filterText = '';
const order: Order = { column: 'Name', direction: 1 };

const summaryOf = (shown: readonly Guest[]): string => {
  if (!store.isLoaded || store.guests.size === 0) return '';
  const [some, all] = [shown.length, store.guests.size].map((many) => many.toLocaleString('en'));
  if (filterText.trim() !== '') return `${some} of ${all} shown`;
  const running = shown.reduce((sum, guest) => sum + (isOff(guest) ? 0 : 1), 0);
  return `${running.toLocaleString('en')} of ${all} running`;
};

export const guestsView = (): View => {
  let jobs = new Map<string, JobState>();
  const steps = firstSteps();
  const table = new VirtualTable<Guest>({
    label: 'Guests',
    columns: columnsOf(({ id }) => jobs.get(id)),
    idOf: ({ id }) => id,
    open: ({ id }) => go('guests', id),
    order,
    empty: () => {
      if (!store.isLoaded) return 'Loading …';
      return store.guests.size > 0 ? 'No guests match the filter.' : steps.element;
    },
  });
  const summary = h('span', { class: 'faint', role: 'status' });
  const filter = h('input', {
    type: 'search',
    placeholder: 'Filter by name, address, tag, state',
    'aria-label': 'Filter guests',
    'aria-keyshortcuts': '/',
    oninput: () => {
      filterText = filter.value;
      draw();
    },
    onkeydown: (event) => {
      const { key } = event as KeyboardEvent;
      if (key === 'ArrowDown' || (key === 'Enter' && table.active)) {
        event.preventDefault();
        table.element.focus();
        table.key(event as KeyboardEvent);
      } else if (key === 'Escape') {
        filter.value = '';
        filterText = '';
        draw();
        table.element.focus();
      }
    },
  });
  filter.value = filterText;
  const draw = (): void => {
    jobs = store.activeByGuest();
    const guests = matching(filter.value);
    table.items = guests;
    setText(summary, summaryOf(guests));
  };
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
        filter,
        summary,
        h('span', { class: 'grow' }),
        h('button', { class: 'changes', onclick: () => openImport() }, 'Import'),
        h(
          'button',
          { class: 'primary changes', 'aria-keyshortcuts': 'n', onclick: () => openCreate() },
          'New guest',
        ),
      ),
      table.element,
    ),
    update: (kinds) => {
      if (kinds.has('images') && store.isLoaded && store.guests.size === 0) steps.update();
      if (['guests', 'jobs', 'metrics', 'addresses'].some((kind) => kinds.has(kind as 'guests'))) draw();
    },
    key: (event) => {
      if (event.key === '/') filter.focus();
      else if (event.key === 'n' && !isReadOnly()) openCreate();
      else return table.key(event);
      return true;
    },
    focus: () => table.element.focus({ preventScroll: true }),
    close: () => {
      measurements.stop();
      knownAddresses.stop();
    },
  };
};
