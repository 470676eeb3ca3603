import type { Job } from '../client/index.js';
import { formatBytes } from '../portable/format.js';
import { escapeControls } from './printable.js';

const BAR_WIDTH = 20;

export const bar = (percent: number): string => {
  const full = Math.round((Math.min(percent, 100) / 100) * BAR_WIDTH);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}]`;
};

/**
 * Formats a job as one line: its title, a bar, its message.
 * @param percent draws the bar, where the job's progress is known
 */
export const progressLine = (
  title: string,
  { Status, Message }: Pick<Job, 'Status' | 'Message'>,
  percent?: number,
): string => {
  const message = Message || (Status === 'Queued' ? 'queued' : '');
  return [title, ...(percent === undefined ? [] : [bar(percent)]), message].filter(Boolean).join('  ');
};

/** Formats the progress of a download, with a bar if the total is known. */
export const receivedLine = (title: string, received: number, length: number | undefined): string => {
  if (!length) return `${title}  ${formatBytes(received)}`;
  const percent = Math.floor((received / length) * 100);
  return `${title}  ${bar(percent)}  ${formatBytes(received)} of ${formatBytes(length)}, ${percent}%`;
};

/** A line on standard error that is redrawn in place. */
export interface StatusLine {
  show(line: string): void;
  stop(): void;
}

/** Starts a status line, or a silent one when standard error is not a terminal. */
export const startStatusLine = async (line: string): Promise<StatusLine> => {
  const { isTTY, columns } = process.stderr;
  // ora divides by the number of columns, which some terminals report as 0.
  if (!isTTY || !columns) return { show: () => {}, stop: () => {} };
  const { default: ora } = await import('ora');
  const spinner = ora({ text: escapeControls(line), stream: process.stderr, discardStdin: false }).start();
  return {
    show: (text) => {
      spinner.text = escapeControls(text);
    },
    stop: () => {
      spinner.stop();
    },
  };
};
