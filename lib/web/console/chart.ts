import type { HistoryKey, HistoryValues } from '../../model/history.js';
import { areaOf, pathOf, type Window } from './chart-path.js';
import { h, setAttribute, setText, svg } from './dom.js';
import { HISTORY, type Point } from './metrics.js';
import { timeText } from './times.js';

export type Key = Exclude<keyof Point, 'at' | 'memory'>;

const SPARK = { width: 72, height: 20 };
/** Fewer than in a chart, which is wider. */
const SPARK_POINTS = 30;

/** Formats the points of a polyline. The newest is at the right edge; `room` points fill the width. */
const lineOf = (
  points: readonly number[],
  max: number,
  { width, height, room = HISTORY }: { width: number; height: number; room?: number },
): string =>
  points
    .map((value, index) => {
      const x = width - ((points.length - 1 - index) * width) / (room - 1);
      const y = height - 1 - (Math.min(value, max) / max) * (height - 2);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');

export interface Spark {
  element: Element;
  /** @param floor the value at the top of the scale unless a point is higher */
  update(points: readonly Point[], floor: number): void;
}

/** Creates a sparkline for a table cell. Screen readers skip it, because the number stands beside it. */
export const spark = (keys: readonly Key[]): Spark => {
  const line = svg('polyline', { class: 'line a' });
  const element = svg(
    'svg',
    { class: 'spark', viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, 'aria-hidden': 'true' },
    line,
  );
  return {
    element,
    update: (points, floor) => {
      const sums = points.slice(-SPARK_POINTS).map((point) => keys.reduce((sum, key) => sum + point[key], 0));
      setAttribute(line, 'points', lineOf(sums, Math.max(floor, ...sums), { ...SPARK, room: SPARK_POINTS }));
    },
  };
};

/** What a chart shows of one time. */
export interface ChartPoint extends HistoryValues {
  /** Milliseconds since 1970. */
  at: number;
}

export interface Series {
  key: HistoryKey;
  title: string;
}

export interface ChartOptions {
  title: string;
  series: readonly [Series] | readonly [Series, Series];
  format: (value: number) => string;
  /** Returns the value at the top of the scale, given the highest value shown. */
  scaleTo: (peak: number) => number;
}

export interface Chart {
  element: HTMLElement;
  /** @param range the time that the width stands for; by default the last minutes */
  update(points: readonly ChartPoint[], range?: Window): void;
}

const SIZE = { width: 320, height: 96 };

/** Milliseconds between live measurements, about. */
const LIVE_STEP_MS = 3000;

const lastMinutes = (points: readonly ChartPoint[]): Window => {
  const to = points.at(-1)?.at ?? 0;
  return { from: to - (HISTORY - 1) * LIVE_STEP_MS, to, stepMs: LIVE_STEP_MS };
};

const peakOf = (points: readonly ChartPoint[], keys: readonly HistoryKey[]): number =>
  points.reduce((max, point) => Math.max(max, ...keys.map((key) => point[key] ?? 0)), 0);

const nearest = (points: readonly ChartPoint[], at: number): ChartPoint | undefined =>
  points.reduce<ChartPoint | undefined>(
    (best, point) => (best && Math.abs(best.at - at) <= Math.abs(point.at - at) ? best : point),
    undefined,
  );

/** Creates a chart of one or two lines over some time, with the newest values as text. */
export const chart = ({ title, series, format, scaleTo }: ChartOptions): Chart => {
  const keys = series.map(({ key }) => key);
  const lines = series.map((_, index) => svg('path', { class: `line ${'ab'[index]}` }));
  const area = svg('path', { class: 'area' });
  const grid = [0.5, 1].map((part) =>
    svg('line', { class: 'grid', x1: 0, x2: SIZE.width, y1: SIZE.height * part, y2: SIZE.height * part }),
  );
  const values = series.map(() => h('strong', {}, '–'));
  const top = h('span', { class: 'scale' });
  const reading = h('span', { class: 'scale reading' });
  const drawing = svg(
    'svg',
    { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    ...grid,
    area,
    ...lines,
  );
  let shown: readonly ChartPoint[] = [];
  let isLive = true;
  let range: Window = lastMinutes([]);
  const whenOf = ({ at }: ChartPoint): string =>
    isLive ? `${Math.round((range.to - at) / 1000)} s ago` : timeText(new Date(at).toISOString());
  const textOf = (point: ChartPoint, key: HistoryKey): string => {
    const value = point[key];
    return value === undefined ? '–' : format(value);
  };
  /** Shows the values of the point under the pointer. */
  const showReading = ({ offsetX }: PointerEvent): void => {
    const point = nearest(shown, range.from + (offsetX / drawing.clientWidth) * (range.to - range.from));
    setText(
      reading,
      point
        ? `${whenOf(point)}: ${series.map(({ key, title: name }) => `${name} ${textOf(point, key)}`).join(', ')}`
        : '',
    );
  };
  drawing.addEventListener('pointermove', showReading);
  drawing.addEventListener('pointerleave', () => setText(reading, ''));
  const element = h(
    'figure',
    { class: 'chart' },
    h(
      'figcaption',
      {},
      h('span', {}, title),
      ...series.map(({ title: name }, index) =>
        h('span', { class: `value ${'ab'[index]}` }, `${name} `, values[index]),
      ),
    ),
    h('div', { class: 'plot' }, drawing, top, reading),
  );
  return {
    element,
    update: (points, given) => {
      shown = points;
      isLive = given === undefined;
      range = given ?? lastMinutes(points);
      const max = scaleTo(peakOf(points, keys));
      const now = points.at(-1);
      setText(top, format(max));
      for (const [index, key] of keys.entries()) {
        const line = points.flatMap((point) => {
          const value = point[key];
          return value === undefined ? [] : [{ at: point.at, value: value / max }];
        });
        lines[index]?.setAttribute('d', pathOf(line, range, SIZE));
        setText(values[index] as HTMLElement, now ? textOf(now, key) : '–');
        if (index === 0) area.setAttribute('d', areaOf(line, range, SIZE));
      }
    },
  };
};
