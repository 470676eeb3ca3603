/** The time that the width of a chart stands for, in milliseconds since 1970. */
export interface Window {
  from: number;
  to: number;
  /** Between two measurements; a line breaks off where more of them are missing. */
  stepMs: number;
}

/** A point of a line; a value of 1 is the top of the scale. */
interface LinePoint {
  at: number;
  value: number;
}

interface Size {
  width: number;
  height: number;
}

/** How many steps may lie between two points that a line connects: live measurements come late now and then. */
const MAX_STEPS = 2.5;

/** Splits points where a line is to break off. */
const segmentsOf = (points: readonly LinePoint[], { stepMs }: Window): LinePoint[][] => {
  const segments: LinePoint[][] = [];
  let last: LinePoint | undefined;
  for (const point of points) {
    if (last && point.at - last.at <= stepMs * MAX_STEPS) segments.at(-1)?.push(point);
    else segments.push([point]);
    last = point;
  }
  return segments;
};

const xOf = ({ at }: LinePoint, { from, to }: Window, { width }: Size): string =>
  ((width * (at - from)) / Math.max(1, to - from)).toFixed(1);

const yOf = ({ value }: LinePoint, { height }: Size): string =>
  (height - 1 - Math.min(value, 1) * (height - 2)).toFixed(1);

/** Formats a line as the `d` of a path. A point alone becomes a dot. */
export const pathOf = (points: readonly LinePoint[], window: Window, size: Size): string =>
  segmentsOf(points, window)
    .map((segment) => {
      const places = segment.map((point) => `${xOf(point, window, size)} ${yOf(point, size)}`);
      return places.length === 1 ? `M${places[0]}h1` : `M${places.join('L')}`;
    })
    .join('');

/** Formats the area below a line as the `d` of a path. */
export const areaOf = (points: readonly LinePoint[], window: Window, size: Size): string =>
  segmentsOf(points, window)
    .map((segment) => {
      const [first, last] = [segment[0], segment.at(-1)];
      if (!first || !last || first === last) return '';
      const places = segment.map((point) => `${xOf(point, window, size)} ${yOf(point, size)}`);
      return `M${xOf(first, window, size)} ${size.height}L${places.join('L')}L${xOf(last, window, size)} ${size.height}Z`;
    })
    .join('');
