import { h, setAttribute, setText, svg } from './dom.js';
import { HISTORY, type Point } from './metrics.js';

export type Key = Exclude<keyof Point, 'at'>;

const SPARK = { width: 72, height: 20 };
/** Fewer than in a chart, which is wider. */
const SPARK_POINTS = 30;

const peak = (points: readonly Point[], keys: readonly Key[]): number =>
  points.reduce((max, point) => Math.max(max, ...keys.map((key) => point[key])), 0);

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

export interface Series {
  key: Key;
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
  update(points: readonly Point[]): void;
}

const SIZE = { width: 320, height: 96 };

const areaBelow = (line: string): string => {
  const left = line.slice(0, line.indexOf(','));
  return line.includes(' ') ? `${left},${SIZE.height} ${line} ${SIZE.width},${SIZE.height}` : '';
};

/** Creates a chart of one or two lines over the last minutes, with the newest values as text. */
export const chart = ({ title, series, format, scaleTo }: ChartOptions): Chart => {
  const lines = series.map((_, index) => svg('polyline', { class: `line ${'ab'[index]}` }));
  const area = svg('polygon', { class: 'area' });
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
  let shown: readonly Point[] = [];
  /** Shows the values of the point under the pointer. */
  const showReading = ({ offsetX }: PointerEvent): void => {
    const back = Math.round((1 - offsetX / drawing.clientWidth) * (HISTORY - 1));
    const point = shown.at(-1 - back);
    const [now] = shown.slice(-1);
    const ago = point && now ? `${Math.round((now.at - point.at) / 1000)} s ago` : '';
    setText(
      reading,
      point
        ? `${ago}: ${series.map(({ key, title: name }) => `${name} ${format(point[key])}`).join(', ')}`
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
    update: (points) => {
      shown = points;
      const keys = series.map(({ key }) => key);
      const max = scaleTo(peak(points, keys));
      const now = points.at(-1);
      setText(top, format(max));
      for (const [index, key] of keys.entries()) {
        const line = lineOf(
          points.map((point) => point[key]),
          max,
          SIZE,
        );
        lines[index]?.setAttribute('points', line);
        setText(values[index] as HTMLElement, now ? format(now[key]) : '–');
        if (index === 0) area.setAttribute('points', areaBelow(line));
      }
    },
  };
};
