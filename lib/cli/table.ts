import stringWidth from 'string-width';
import { formatValue, visible } from '../portable/format.js';
import { type Colours, colourState } from './colours.js';

const GAP = '  ';

export interface TableOptions {
  colours: Colours;
  /** Columns of numbers, which stand to the right. */
  right?: readonly number[];
}

const STATES = new Set(['state', 'status', 'Status']);

const withoutTrailingSpace = (text: string): string => text.replace(/[ \t]+$/gm, '');

const widthOf = (cell: string): number => Math.max(...cell.split('\n').map((line) => stringWidth(line)));

const maximum = (numbers: readonly number[]): number =>
  numbers.reduce((one, other) => Math.max(one, other), 0);

interface TextColumn {
  width: number;
  isRight: boolean;
}

const padded = (text: string, { width, isRight }: TextColumn): string => {
  const space = ' '.repeat(width - stringWidth(text));
  return isRight ? space + text : text + space;
};

/** As many lines as the cell with the most has. */
const rowLines = (cells: readonly string[], columns: readonly TextColumn[]): string[] => {
  const inLines = cells.map((cell) => cell.split('\n'));
  return Array.from({ length: maximum(inLines.map(({ length }) => length)) }, (_, line) =>
    columns.map((column, index) => padded(inLines[index]?.[line] ?? '', column)).join(GAP),
  );
};

/**
 * Rows below their titles, two spaces apart, without lines: also for grep and awk.
 * @param rows their cells, made visible
 */
export const formatTable = (
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  { colours, right = [] }: TableOptions,
): string => {
  const all = [titles.map((title) => colours.bold(title)), ...rows];
  const columns = titles.map((_, index) => ({
    width: maximum(all.map((cells) => widthOf(cells[index] ?? ''))),
    isRight: right.includes(index),
  }));
  return withoutTrailingSpace(all.flatMap((cells) => rowLines(cells, columns)).join('\n'));
};

/** A hash, a line for each of its keys; longer values have lines of their own below each other. */
export const formatPairs = (item: object, colours: Colours): string => {
  const entries = Object.entries(item).map(
    ([key, value]) => [visible(key), formatValue(value, key)] as const,
  );
  const width = Math.max(0, ...entries.map(([key]) => key.length));
  const lines = entries.map(([key, text]) => {
    const shown = STATES.has(key) ? colourState(colours, text) : text;
    return `${colours.bold(key.padEnd(width))}  ${shown.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`;
  });
  return withoutTrailingSpace(lines.join('\n'));
};
