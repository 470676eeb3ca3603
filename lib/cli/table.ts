import stringWidth from 'string-width';
import { type Colours, colourState } from './colours.js';
import { escapeControls, formatValue } from './printable.js';

const GAP = '  ';

export interface TableOptions {
  colours: Colours;
  /** The indexes of columns to align to the right. */
  right?: readonly number[];
}

const STATES = new Set(['state', 'status', 'Status']);

const trimLines = (text: string): string => text.replace(/[ \t]+$/gm, '');

const widthOf = (cell: string): number => Math.max(...cell.split('\n').map((line) => stringWidth(line)));

const maximum = (numbers: readonly number[]): number =>
  numbers.reduce((one, other) => Math.max(one, other), 0);

interface TextColumn {
  width: number;
  isRight: boolean;
}

const pad = (text: string, { width, isRight }: TextColumn): string => {
  const space = ' '.repeat(width - stringWidth(text));
  return isRight ? space + text : text + space;
};

/** Formats a row, which is as high as its highest cell. */
const rowLines = (cells: readonly string[], columns: readonly TextColumn[]): string[] => {
  const cellLines = cells.map((cell) => cell.split('\n'));
  return Array.from({ length: maximum(cellLines.map(({ length }) => length)) }, (_, line) =>
    columns.map((column, index) => pad(cellLines[index]?.[line] ?? '', column)).join(GAP),
  );
};

/**
 * Formats rows below their titles, with two spaces between columns and no borders, which suits grep and awk.
 * @param rows escaped cells
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
  return trimLines(all.flatMap((cells) => rowLines(cells, columns)).join('\n'));
};

/** Formats an object with a line per key; arrays and objects in it take a line per item. */
export const formatPairs = (item: object, colours: Colours): string => {
  const entries = Object.entries(item).map(
    ([key, value]) => [escapeControls(key), formatValue(value, key)] as const,
  );
  const width = Math.max(0, ...entries.map(([key]) => key.length));
  const lines = entries.map(([key, text]) => {
    const shown = STATES.has(key) ? colourState(colours, text) : text;
    return `${colours.bold(key.padEnd(width))}  ${shown.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`;
  });
  return trimLines(lines.join('\n'));
};
