import { enumerate } from '../../model/enumerate.js';
import { isFinished, type Job, type JobCause, NO_TIME } from '../../model/job.js';
import { formatBytes } from '../../portable/format.js';

/** Verbs that action names write as one word. */
const VERBS: Record<string, string> = {
  shutdown: 'shut down',
  poweroff: 'power off',
  rollback: 'roll back',
};

/** Formats an action's name for people: `containerCreateSnapshot` as "Create snapshot". */
export const actionWords = (action: string): string => {
  const spaced = action
    .replace(/^container(?=[A-Z])/, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .replace(/^\w+/, (verb) => VERBS[verb.toLowerCase()] ?? verb);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1).toLowerCase();
};

const CAUSES: Record<JobCause, string> = {
  autostart: 'after a boot',
  restart: 'after a failure',
  'host-down': 'the host goes down',
  schedule: 'by a schedule',
};

/** Formats the action of a job, and why the agent queued it by itself. */
export const jobWords = ({ Action, Cause }: Job): string =>
  Cause ? `${actionWords(Action)} (${CAUSES[Cause]})` : actionWords(Action);

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Turns a message of the agent into a sentence: a capital first, a full stop last. */
export const sentence = (text: string): string => capital(text).replace(/[.!?]?$/, '.');

export const formatRate = (bytes: number): string => `${formatBytes(bytes)}/s`;

export const formatPercent = (percent: number): string => `${percent.toFixed(percent < 10 ? 1 : 0)} %`;

export const count = (many: number, noun: string): string =>
  `${many.toLocaleString('en')} ${noun}${many === 1 ? '' : 's'}`;

/** How long a job has been running, or ran, in seconds; `undefined` before it starts. */
export const duration = (job: Job): number | undefined => {
  if (job.StartedAt === NO_TIME) return undefined;
  const end = isFinished(job) ? Date.parse(job.UpdatedAt) : Date.now();
  return Math.max(0, (end - Date.parse(job.StartedAt)) / 1000);
};

/**
 * Says which parts of the host are down, and why; empty for none.
 * @param partOf returns what the sub-agent of a service looks after
 */
export const downText = (down: ReadonlyMap<string, string>, partOf: (service: string) => string): string => {
  const byReason = new Map<string, Set<string>>();
  for (const [service, reason] of down)
    byReason.set(reason, (byReason.get(reason) ?? new Set()).add(partOf(service)));
  return [...byReason]
    .map(([reason, parts]) => {
      const subject = `the sub-agent for ${enumerate([...parts])} does not respond`;
      return sentence(reason ? `${subject}: ${reason}` : subject);
    })
    .join(' ');
};
