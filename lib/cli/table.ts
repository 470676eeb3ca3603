import Table from 'cli-table3';
import { type Colours, colourState } from './colours.js';
import { formatValue, visible } from './format.js';

const NO_LINES = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((part) => [part, '']),
);

const STYLE = { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true };

export interface TableOptions {
  colours: Colours;
  /** Columns of numbers, which stand to the right. */
  right?: readonly number[];
}

const STATES = new Set(['state', 'status', 'Status']);

const withoutTrailingSpace = (text: string): string => text.replace(/[ \t]+$/gm, '');

/**
 * Rows below their titles, two spaces apart, without lines: also for grep and awk.
 * @param rows their cells, made visible
 */
export const formatTable = (
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  { colours, right = [] }: TableOptions,
): string => {
  const table = new Table({
    head: titles.map((title) => colours.bold(title)),
    chars: { ...NO_LINES, middle: '  ' },
    style: STYLE,
    colAligns: titles.map((_, index) => (right.includes(index) ? 'right' : 'left')),
  });
  for (const row of rows) table.push([...row]);
  return withoutTrailingSpace(table.toString());
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
