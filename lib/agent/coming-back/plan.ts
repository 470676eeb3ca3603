import { DEFAULT_MAX_RETRIES, DEFAULT_WINDOW_S } from '../../model/coming-back.js';
import type { Guest } from '../../model/guest.js';
import { alwaysRuns, hasFailed, isHalted, isOff } from '../../model/intent.js';
import type { JobCause } from '../../model/job.js';
import { counted } from '../../model/units.js';
import { Backoff } from '../../portable/backoff.js';

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 300_000;

/** A guest that has panicked may be writing its crash dump. */
const HALTED_DELAY_MS = 30_000;

/** Returns why the agent should start a guest by itself; `undefined` when it should not. */
export const causeOfStart = (guest: Guest): Extract<JobCause, 'autostart' | 'restart'> | undefined => {
  const { autostart, restart, intent, restarts } = guest;
  if (!intent || restarts?.ended) return undefined;
  if (intent.pending) {
    if (autostart?.policy === 'always') return 'autostart';
    return autostart?.policy === 'last' && intent.power === 'on' ? 'autostart' : undefined;
  }
  const mayRestart = restart !== undefined && restart.policy !== 'never';
  const isDue = hasFailed(guest) || (isOff(guest) && (alwaysRuns(guest) || restarts?.problem !== undefined));
  return mayRestart && intent.power === 'on' && !intent.held && isDue ? 'restart' : undefined;
};

/** When the agent starts a guest next, in milliseconds since 1970, or why it no longer does. */
export type Plan = { at: number; times: string[] } | { ended: string };

/**
 * Plans the next start of a guest. Starts before the guest's window count neither towards the limit nor for the delay,
 * which doubles with each.
 */
export const planStart = (guest: Guest, cause: JobCause, now: number): Plan => {
  const most = alwaysRuns(guest) ? Number.POSITIVE_INFINITY : DEFAULT_MAX_RETRIES;
  const { maxRetries = most, window = DEFAULT_WINDOW_S } = guest.restart ?? {};
  const { times: all = [], next, problem } = guest.restarts ?? {};
  const times = all.filter((time) => Math.abs(now - Date.parse(time)) < window * 1000);
  if (times.length >= maxRetries) {
    const because = problem === undefined ? '' : `, the last time because ${problem}`;
    const starts = counted(times.length, 'automatic start');
    return { ended: `failed again after ${starts} within ${window} s${because}: start it by hand` };
  }
  const backoff = new Backoff(FIRST_DELAY_MS, MAX_DELAY_MS);
  const delays = times.map(() => backoff.next());
  const delayMs = cause === 'autostart' ? (delays.at(-1) ?? 0) : backoff.next();
  const least = isHalted(guest) ? Math.max(delayMs, HALTED_DELAY_MS) : delayMs;
  const latest = now + least;
  // A start that an earlier process of the agent planned; the clock may have changed.
  const planned = next === undefined ? latest : Math.max(Date.parse(next), now);
  return { at: Math.min(planned, latest), times };
};
