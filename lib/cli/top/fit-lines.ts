import stringWidth from 'string-width';

export interface Size {
  rows: number;
  columns: number;
}

/** Counts the terminal rows that the lines take, wrapped. */
const heightOf = (lines: readonly string[], columns: number): number =>
  lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(stringWidth(line) / columns)), 0);

/**
 * Joins as many lines as fit on a terminal; a last line counts the rest.
 * @param head lines above them, which are always shown
 */
export const fitLines = (
  head: readonly string[],
  lines: readonly string[],
  { rows, columns }: Size,
): string => {
  // The cursor takes the last row.
  const room = rows - 1 - heightOf(head, columns);
  if (heightOf(lines, columns) <= room) return [...head, ...lines].join('\n');
  let count = Math.min(lines.length, Math.max(0, room - 1));
  while (count > 0 && heightOf(lines.slice(0, count), columns) > room - 1) count -= 1;
  return [...head, ...lines.slice(0, count), `… and ${lines.length - count} more`].join('\n');
};
