import type { Disk, Guest, Nic } from '../../../model/guest.js';
import { formatBytes, formatMb } from '../../../portable/format.js';
import { chart } from '../chart.js';
import { h, setText } from '../dom.js';
import { measurements } from '../metrics.js';
import { facts } from '../parts.js';
import { type Kind, store } from '../store.js';
import { actionWords, formatPercent, formatRate } from '../words.js';

const KB = 1024;

/** A power of two, which is a round number of bytes. */
const atLeast =
  (floor: number) =>
  (peak: number): number =>
    Math.max(floor, 2 ** Math.ceil(Math.log2(Math.max(1, peak))));

/** What a tab of a guest's page shows. */
export interface Tab {
  element: HTMLElement;
  update(guest: Guest, kinds: ReadonlySet<Kind>): void;
  /** @returns whether the key meant something */
  key?(event: KeyboardEvent): boolean;
  close?(): void;
}

const diskText = ({ device, size, image, bus }: Disk): string =>
  [device, formatMb(size), image && `from ${image}`, bus].filter(Boolean).join(', ');

const nicText = ({ name, network, model, mac, address, vlans }: Nic): string =>
  [name, `on ${network}`, address, mac, model, vlans.length > 0 && `VLAN ${vlans.join(', ')}`]
    .filter(Boolean)
    .join(', ');

const list = (lines: readonly string[]): Node | undefined =>
  lines.length === 0 ? undefined : h('ul', {}, ...lines.map((line) => h('li', {}, line)));

const factsOf = (guest: Guest): HTMLElement => {
  const resident = measurements.memoryOf(guest.id);
  return facts([
    ['Kind', guest.type === 'container' ? 'container' : 'virtual machine'],
    ['Image', guest.image],
    ['Memory', `${formatMb(guest.memory)}${resident ? ` (takes ${formatBytes(resident)} of the host)` : ''}`],
    ['vCPUs', String(guest.cpu ?? '')],
    ['VNC', guest.vnc ? `port ${guest.vnc} on the host's loopback` : undefined],
    ['Disks', list((guest.disks ?? []).map(diskText))],
    ['Network', list((guest.nics ?? []).map(nicText))],
  ]);
};

/** Of a guest in an error, what went wrong. */
const failureOf = ({ id, state }: Guest): string => {
  if (state !== 'error') return '';
  const failed = store.jobList(id).find(({ job }) => job.Status === 'Error')?.job;
  return failed ? `${actionWords(failed.Action)}: ${failed.Message}` : '';
};

export const overview = (guest: Guest): Tab => {
  const charts = [
    chart({
      title: 'CPU',
      series: [{ key: 'cpu', title: '' }],
      format: formatPercent,
      top: () => 100 * (guest.cpu ?? 1),
    }),
    chart({
      title: 'Disk',
      series: [
        { key: 'read', title: 'read' },
        { key: 'written', title: 'written' },
      ],
      format: formatRate,
      top: atLeast(64 * KB),
    }),
    chart({
      title: 'Network',
      series: [
        { key: 'received', title: 'received' },
        { key: 'sent', title: 'sent' },
      ],
      format: formatRate,
      top: atLeast(16 * KB),
    }),
  ];
  const place = h('div');
  const failure = h('p', { class: 'problem boxed', hidden: true });
  let shown: Guest | undefined;
  return {
    element: h(
      'div',
      {},
      failure,
      h('div', { class: 'charts' }, ...charts.map(({ element }) => element)),
      place,
    ),
    update: (now, kinds) => {
      const hadMemory = place.textContent?.includes('of the host)') ?? false;
      if (now !== shown || (!hadMemory && measurements.memoryOf(now.id))) place.replaceChildren(factsOf(now));
      shown = now;
      setText(failure, failureOf(now));
      failure.hidden = failure.textContent === '';
      if (kinds.has('metrics')) for (const each of charts) each.update(measurements.historyOf(now.id));
    },
  };
};
