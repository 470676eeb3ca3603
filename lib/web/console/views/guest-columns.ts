import type { Guest } from '../../../model/guest.js';
import { formatMb, shortId } from '../../../portable/format.js';
import { reachableAddresses } from '../../../portable/reachable-addresses.js';
import { knownAddresses } from '../addresses.js';
import { type Key, spark } from '../chart.js';
import { h, setAttribute, setText } from '../dom.js';
import { warmWords } from '../guest/warm.js';
import { measurements } from '../metrics.js';
import { jobProgress, stateCell, stateOf } from '../parts.js';
import { address } from '../router.js';
import type { JobState } from '../store.js';
import { type Cell, type TableColumn, textCell } from '../virtual-table.js';
import { formatPercent, formatRate } from '../words.js';

/** Sorts web-2 before web-10. */
const { compare } = new Intl.Collator('en', { numeric: true });

export const nameOf = ({ id, metadata }: Guest): string => metadata?.name || shortId(id);
const addressOf = (guest: Guest): string => reachableAddresses(guest, knownAddresses.of(guest.id))[0] ?? '';
export const isOff = ({ state }: Guest): boolean => state !== 'running';

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

/** The columns of the list of guests, without the check boxes. */
export const guestColumns = (jobOf: (guest: Guest) => JobState | undefined): TableColumn<Guest>[] => [
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
