import type { Job } from '../client/index.js';
import { formatBytes, visible } from '../portable/format.js';

const BAR_WIDTH = 20;

/** How far a job says that it is, in percent. */
export const percentOf = ({ Message }: Pick<Job, 'Message'>): number | undefined => {
  const [, digits] = /(?<![\d.])(\d{1,3})(?:\.\d+)? ?%/.exec(Message) ?? [];
  return digits === undefined ? undefined : Math.min(Number(digits), 100);
};

export const bar = (percent: number): string => {
  const full = Math.round((percent / 100) * BAR_WIDTH);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}]`;
};

/** A job as one line: what it is, how far, and what it says. */
export const progressLine = (title: string, job: Pick<Job, 'Status' | 'Message'>): string => {
  const percent = percentOf(job);
  const words = job.Message || (job.Status === 'Queued' ? 'waits for its turn' : '');
  return [title, ...(percent === undefined ? [] : [bar(percent)]), words].filter(Boolean).join('  ');
};

/** How much of something has come, of how much where that is known. */
export const receivedLine = (title: string, received: number, length: number | undefined): string => {
  if (!length) return `${title}  ${formatBytes(received)}`;
  const percent = Math.floor((received / length) * 100);
  return `${title}  ${bar(percent)}  ${formatBytes(received)} of ${formatBytes(length)}, ${percent}%`;
};

/** Shows something that goes on, on a terminal; elsewhere it is silent. */
export interface Progress {
  show(line: string): void;
  stop(): void;
}

export const startProgress = async (line: string): Promise<Progress> => {
  const { isTTY, columns } = process.stderr;
  // Some terminals say that they have no columns at all, and ora counts in what columns there are.
  if (!isTTY || !columns) return { show: () => {}, stop: () => {} };
  const { default: ora } = await import('ora');
  const spinner = ora({ text: visible(line), stream: process.stderr, discardStdin: false }).start();
  return {
    show: (text) => {
      spinner.text = visible(text);
    },
    stop: () => {
      spinner.stop();
    },
  };
};
