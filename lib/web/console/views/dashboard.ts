import type { StorageSpace } from '../../../model/storage-space.js';
import { formatAge, formatBytes, formatMb } from '../../../portable/format.js';
import { get } from '../api.js';
import { chart } from '../chart.js';
import { h, setText } from '../dom.js';
import { HISTORY, measurements, type Point } from '../metrics.js';
import { facts } from '../parts.js';
import { address, type View } from '../router.js';
import { type JobState, store } from '../store.js';
import { count, formatPercent, formatRate, jobWords } from '../words.js';
import { type Counts, countsOf, type Problem, problemsOf, totalOf } from './dashboard-facts.js';

/** What fits on a wall screen beside all else. */
const MAX_LINES = 8;
/** Events report all but the space of the storage. */
const SPACE_MS = 30_000;
const CLOCK_MS = 5000;
const KB = 1024;

const TILES: Record<keyof Counts, { title: string; tone: string }> = {
  running: { title: 'running', tone: 'good' },
  off: { title: 'off', tone: 'off' },
  other: { title: 'other', tone: 'idle' },
  failed: { title: 'failed', tone: 'bad' },
};

const tiles = () => {
  const numbers = Object.entries(TILES).map(([key, { title, tone }]) => {
    const number = h('strong', {}, '–');
    const element = h('li', { class: 'tile', 'data-tone': tone }, number, h('span', {}, title));
    return { key: key as keyof Counts, number, element };
  });
  return {
    element: h(
      'ul',
      { class: 'tiles', 'aria-label': 'Guests by state' },
      ...numbers.map(({ element }) => element),
    ),
    update: (counts: Counts): void => {
      for (const { key, number, element } of numbers) {
        setText(number, counts[key].toLocaleString('en'));
        element.classList.toggle('none', counts[key] === 0);
      }
    },
  };
};

const panel = (title: string, ...content: Node[]): HTMLElement =>
  h('section', { class: 'panel', 'aria-label': title }, h('h2', {}, title), ...content);

/** A list of lines, cut after so many that a wall screen shows them all. */
const lines = <Item>(none: string, lineOf: (item: Item) => HTMLElement) => {
  const list = h('ul', { class: 'lines-list' });
  const more = h('p', { class: 'faint' });
  return {
    content: [list, more],
    update: (items: readonly Item[]): void => {
      list.replaceChildren(...items.slice(0, MAX_LINES).map(lineOf));
      const left = items.length - MAX_LINES;
      setText(more, items.length === 0 ? none : left > 0 ? `and ${left} more` : '');
    },
  };
};

const problemLine = ({ title, text, guest }: Problem): HTMLElement =>
  h('li', {}, guest ? h('a', { href: address('guests', guest) }, title) : h('strong', {}, title), ` ${text}`);

const failureLine = ({ job }: JobState): HTMLElement => {
  const { GuestID, ImageID, VolumeID } = job;
  const isHere = store.guests.has(GuestID);
  const name = ImageID ?? VolumeID ?? store.nameOf(GuestID);
  return h(
    'li',
    {},
    h('small', {}, formatAge(job.UpdatedAt)),
    ' ',
    isHere ? h('a', { href: address('guests', GuestID, 'jobs') }, name) : h('strong', {}, name),
    ` ${jobWords(job)}: ${job.Message}`,
  );
};

/** The load of the guests together, since the page was opened. */
const load = () => {
  const [cpu, network] = [
    chart({
      title: 'CPU of all guests',
      series: [{ key: 'cpu', title: '' }],
      format: formatPercent,
      scaleTo: (peak) => Math.max(100, Math.ceil(peak / 100) * 100),
    }),
    chart({
      title: 'Network of all guests',
      series: [
        { key: 'received', title: 'received' },
        { key: 'sent', title: 'sent' },
      ],
      format: formatRate,
      scaleTo: (peak) => Math.max(64 * KB, 2 ** Math.ceil(Math.log2(Math.max(1, peak)))),
    }),
  ];
  const details = h('div');
  const points: Point[] = [];
  let space: StorageSpace | undefined;
  const draw = (): void => {
    const ids = [...store.guests.keys()];
    const memory = ids.reduce((sum, id) => sum + (measurements.memoryOf(id) ?? 0), 0);
    details.replaceChildren(
      facts([
        ['Memory', memory > 0 ? `${formatBytes(memory)} in use by guests` : undefined],
        ['Storage', space && `${formatMb(space.free)} of ${formatMb(space.size)} free`],
      ]),
    );
  };
  const readSpace = async (): Promise<void> => {
    space = await get<StorageSpace>('/storage').catch(() => undefined);
    draw();
  };
  void readSpace();
  const timer = setInterval(() => void readSpace(), SPACE_MS);
  return {
    content: [cpu.element, network.element, details],
    measure: (): void => {
      const total = totalOf([...store.guests.keys()].flatMap((id) => measurements.latest(id) ?? []));
      if (total) points.push(total);
      if (points.length > HISTORY) points.shift();
      cpu.update(points);
      network.update(points);
      draw();
    },
    close: () => clearInterval(timer),
  };
};

/** A page for a screen on the wall: large, without scrolling, and up to date by itself. */
export const dashboardView = (): View => {
  const counts = tiles();
  const problems = lines('Nothing is wrong.', problemLine);
  const failures = lines('No job has failed.', failureLine);
  const usage = load();
  const clock = h('time', { class: 'clock' });
  const jobs = h('span', { class: 'faint', role: 'status' });
  const tick = (): void => setText(clock, new Date().toTimeString().slice(0, 5));
  tick();
  const timer = setInterval(tick, CLOCK_MS);
  measurements.start();
  const draw = (): void => {
    const all = store.jobList();
    const failed = all.filter(({ job }) => job.Status === 'Error');
    if (store.isLoaded) counts.update(countsOf(store.guests.values()));
    problems.update(problemsOf(store.guests.values(), failed, store.down));
    failures.update(failed);
    setText(jobs, store.active.size === 0 ? '' : `${count(store.active.size, 'job')} queued or running`);
  };
  return {
    title: 'Dashboard',
    element: h(
      'section',
      { class: 'page dashboard' },
      h(
        'div',
        { class: 'toolbar' },
        h('h1', {}, 'Dashboard'),
        h('span', { class: 'faint medium-only' }, location.host),
        jobs,
        h('span', { class: 'grow' }),
        clock,
      ),
      counts.element,
      h(
        'div',
        { class: 'panels' },
        panel('What is wrong', ...problems.content),
        panel('Latest failures', ...failures.content),
        panel('Load', ...usage.content),
      ),
    ),
    update: (kinds) => {
      if (['guests', 'jobs', 'services'].some((kind) => kinds.has(kind as 'guests'))) draw();
      if (kinds.has('metrics')) usage.measure();
    },
    close: () => {
      clearInterval(timer);
      measurements.stop();
      usage.close();
    },
  };
};
