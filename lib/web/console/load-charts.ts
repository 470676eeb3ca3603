import { HISTORY_RANGES, type History, type HistoryRange } from '../../model/history.js';
import { formatBytes } from '../../portable/format.js';
import { errorText, get } from './api.js';
import { type ChartPoint, chart } from './chart.js';
import { h, setAttribute, setText } from './dom.js';
import { formatPercent, formatRate } from './words.js';

const KB = 1024;
/** A history has at most a point more each minute. */
const REFRESH_MS = 60_000;

const TITLES: Record<HistoryRange | 'live', string> = {
  live: 'Live',
  hour: 'Hour',
  day: 'Day',
  month: 'Month',
};
const RANGES = Object.keys(HISTORY_RANGES) as HistoryRange[];

/** Returns a scale in bytes: the power of two above the peak, but at least `floor`. */
const powerOfTwo =
  (floor: number) =>
  (peak: number): number =>
    Math.max(floor, 2 ** Math.ceil(Math.log2(Math.max(1, peak))));

interface LoadChartsOptions {
  /** The path of the history in the API. */
  path: string;
  /** The number of CPUs, for the scale. */
  cpus: () => number;
  /** The bytes of memory, for the scale. */
  memory: () => number;
  /** Returns the measurements of the last minutes; without it there are none. */
  live?: () => readonly ChartPoint[];
  /** What the disks and the NICs are: "of all guests". */
  of?: string;
}

interface LoadCharts {
  element: HTMLElement;
  /** Draws the last minutes anew, while they are shown. */
  update(): void;
  /** Draws the chosen time anew: the scale has changed. */
  redraw(): void;
  close(): void;
}

/** The choice outlives the page. */
let chosen: HistoryRange | 'live' = 'live';

/** Creates charts of a load: of the last minutes, of an hour, a day or a month. */
export const loadCharts = ({ path, cpus, memory, live, of = '' }: LoadChartsOptions): LoadCharts => {
  const charts = [
    chart({
      title: 'CPU',
      series: [{ key: 'cpu', title: '' }],
      format: formatPercent,
      scaleTo: () => 100 * cpus(),
    }),
    chart({
      title: 'Memory',
      series: [{ key: 'memory', title: '' }],
      format: formatBytes,
      scaleTo: (peak) => Math.max(memory(), peak),
    }),
    chart({
      title: `Disk${of}`,
      series: [
        { key: 'read', title: 'read' },
        { key: 'written', title: 'written' },
      ],
      format: formatRate,
      scaleTo: powerOfTwo(64 * KB),
    }),
    chart({
      title: `Network${of}`,
      series: [
        { key: 'received', title: 'received' },
        { key: 'sent', title: 'sent' },
      ],
      format: formatRate,
      scaleTo: powerOfTwo(16 * KB),
    }),
  ];
  const note = h('span', { class: 'faint', role: 'status' });
  const range = (): HistoryRange | 'live' => (chosen === 'live' && !live ? 'hour' : chosen);
  const buttons = [...(live ? (['live'] as const) : []), ...RANGES].map((each) => ({
    each,
    element: h(
      'button',
      {
        class: 'small',
        onclick: () => {
          chosen = each;
          show();
        },
      },
      TITLES[each],
    ),
  }));

  const load = async (asked: HistoryRange): Promise<void> => {
    try {
      const { step, points } = await get<History>(`${path}?range=${asked}`);
      if (range() !== asked) return;
      const stepMs = 1000 * step;
      const to = Date.now();
      const drawn = points.map(({ time, ...values }) => ({ at: Date.parse(time) + stepMs / 2, ...values }));
      const from = to - stepMs * HISTORY_RANGES[asked].count;
      for (const each of charts) each.update(drawn, { from, to, stepMs });
      setText(note, points.length === 0 ? 'Nothing is recorded yet.' : '');
    } catch (error) {
      setText(note, errorText(error));
    }
  };
  const update = (): void => {
    if (range() !== 'live' || !live) return;
    setText(note, '');
    for (const each of charts) each.update(live());
  };
  const show = (): void => {
    for (const { each, element } of buttons) setAttribute(element, 'aria-pressed', String(each === range()));
    const asked = range();
    if (asked === 'live') update();
    else void load(asked);
  };
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible' && range() !== 'live') show();
  }, REFRESH_MS);
  show();
  return {
    element: h(
      'section',
      { 'aria-label': 'Load' },
      h(
        'div',
        { class: 'ranges', role: 'group', 'aria-label': 'Time of the charts' },
        ...buttons.map(({ element }) => element),
        note,
      ),
      h('div', { class: 'charts' }, ...charts.map(({ element }) => element)),
    ),
    update,
    redraw: show,
    close: () => clearInterval(timer),
  };
};
