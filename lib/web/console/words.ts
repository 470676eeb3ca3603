import { isFinished, NO_TIME } from '../../model/job.js';
import { formatAge, formatBytes } from '../../portable/format.js';
import type { JobState } from './store.js';

/** Verbs that are written as one word in actions, and as two on buttons. */
const VERBS: Record<string, string> = {
  shutdown: 'shut down',
  poweroff: 'power off',
  rollback: 'roll back',
};

/** `containerCreateSnapshot` as people say it. */
export const actionWords = (action: string): string => {
  const spaced = action
    .replace(/^container(?=[A-Z])/, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .replace(/^\w+/, (verb) => VERBS[verb.toLowerCase()] ?? verb);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1).toLowerCase();
};

export const formatRate = (bytes: number): string => `${formatBytes(bytes)}/s`;

export const formatPercent = (percent: number): string => `${percent.toFixed(percent < 10 ? 1 : 0)} %`;

export const count = (many: number, what: string): string =>
  `${many.toLocaleString('en')} ${what}${many === 1 ? '' : 's'}`;

/** When it was asked for; a time of day alone when that was today. */
export const age = (time: string): string => (time === NO_TIME ? '' : formatAge(time));

/** How long a job has taken, in seconds; `undefined` before it starts. */
export const duration = ({ job }: JobState): number | undefined => {
  if (job.StartedAt === NO_TIME) return undefined;
  const end = isFinished(job) ? Date.parse(job.UpdatedAt) : Date.now();
  return Math.max(0, (end - Date.parse(job.StartedAt)) / 1000);
};
