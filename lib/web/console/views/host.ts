import type { HostDetails, HostPart, HostProblem, HostSpace } from '../../../model/host-details.js';
import type { HostProgram } from '../../../model/host-program.js';
import { MB } from '../../../model/units.js';
import { formatMb } from '../../../portable/format.js';
import { errorText, get } from '../api.js';
import { h } from '../dom.js';
import { loadCharts } from '../load-charts.js';
import { facts, stateBadge } from '../parts.js';
import { plainTable } from '../plain-table.js';
import { address, type View } from '../router.js';
import { agoAndTime } from '../times.js';
import { capital, sentence } from '../words.js';
import { networkTable } from './host-networks.js';

/** Events report sub-agents at once; the rest changes slowly. */
const INTERVAL_MS = 10_000;

const ACCELERATORS: Record<string, string> = {
  kvm: 'KVM: the CPU runs virtual machines itself',
  tcg: 'TCG: QEMU translates virtual machines, which is many times slower',
};

/** How much of something is taken, as a text and a bar. */
const use = (size: number, free: number, what: string): HTMLElement =>
  h(
    'span',
    { class: 'file-system' },
    h('meter', {
      ...{ min: 0, max: 1, low: 0.8, high: 0.95, optimum: 0, value: size === 0 ? 0 : (size - free) / size },
      'aria-label': `Use of ${what}`,
    }),
    h('span', {}, `${formatMb(free)} of ${formatMb(size)} free`),
  );

const problemList = (problems: readonly HostProblem[]): HTMLElement =>
  problems.length === 0
    ? h('p', { class: 'note' }, 'Nothing is wrong.')
    : h(
        'ul',
        { class: 'problem-list', 'aria-label': 'What is wrong' },
        ...problems.map(({ part, message }) =>
          h('li', {}, h('strong', {}, capital(part)), ' ', sentence(message)),
        ),
      );

const guestsFact = (guests: Record<string, number>): HTMLElement =>
  h(
    'span',
    {},
    ...Object.entries(guests).flatMap(([state, many], index) => [
      index > 0 && ', ',
      h('a', { href: `${address('guests')}?state=${encodeURIComponent(state)}` }, `${many} ${state}`),
    ]),
  );

const factsOf = (host: HostDetails): HTMLElement => {
  const { name, booted, cpu, memory, guests, space, programs, phase } = host;
  const accelerator = programs.find((program) => program.accelerator)?.accelerator;
  return facts([
    ['Name', name],
    ['Booted', agoAndTime(booted)],
    ['CPUs', [String(cpu.count), cpu.model].filter(Boolean).join(' × ')],
    ['Load', `${cpu.load.join(', ')} in 1, 5 and 15 minutes`],
    ['Memory', use(memory.size, memory.available, 'memory')],
    ['Guests', guestsFact(guests)],
    ['Their memory', `${formatMb(memory.guests)} at most for those that are on`],
    ['Virtualization', accelerator && ACCELERATORS[accelerator]],
    ...space.map((each: HostSpace) => [capital(each.name), use(each.size, each.free, each.name)] as const),
    ['Phase', phase === 'up' ? undefined : phase],
  ]);
};

const partRow = ({ name, services, up, reason }: HostPart): HTMLElement => {
  const badge = stateBadge();
  badge.update(up ? 'running' : 'error');
  badge.element.textContent = up ? 'works' : 'down';
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, capital(name)),
    h('td', {}, badge.element),
    h(
      'td',
      { class: 'medium-only faint', title: `Services of the config: ${services.join(', ')}` },
      reason ?? '',
    ),
  );
};

const programRow = ({ name, version }: HostProgram): HTMLElement =>
  h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, version));

/** The host: its load and room, what it works with, and what is wrong. */
export const hostView = (): View => {
  const content = h('div', {}, 'Loading …');
  let known: HostDetails | undefined;
  const charts = loadCharts({
    path: '/host/history',
    cpus: () => known?.cpu.count ?? 1,
    memory: () => (known?.memory.size ?? 0) * MB,
    of: ' of all guests',
  });
  const draw = (host: HostDetails): void =>
    content.replaceChildren(
      problemList(host.problems),
      factsOf(host),
      h('h2', {}, 'Load'),
      charts.element,
      h('h2', {}, 'Parts'),
      plainTable(
        [['Part'], ['State'], ['Reason', 'medium-only']],
        h('tbody', {}, ...host.parts.map(partRow)),
        { label: 'Parts' },
      ),
      ...(host.networks ? [h('h2', {}, 'Networks'), networkTable(host.networks)] : []),
      h('h2', {}, 'Versions'),
      plainTable([['Program'], ['Version']], h('tbody', {}, ...host.programs.map(programRow)), {
        label: 'Versions',
      }),
      h('p', { class: 'links' }, h('a', { href: '/docs' }, 'API documentation')),
    );
  const load = async (): Promise<void> => {
    try {
      const isFirst = known === undefined;
      known = await get<HostDetails>('/host');
      draw(known);
      if (isFirst) charts.redraw();
    } catch (error) {
      content.replaceChildren(h('p', { class: 'problem' }, errorText(error)));
    }
  };
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') void load();
  }, INTERVAL_MS);
  return {
    title: 'Host',
    element: h('section', { class: 'page' }, h('div', { class: 'toolbar' }, h('h1', {}, 'Host')), content),
    update: (kinds) => {
      if (kinds.has('services')) void load();
    },
    close: () => {
      clearInterval(timer);
      charts.close();
    },
  };
};
