import { invalid } from '../errors.js';
import { cronProblem, hostTimezone } from './cron.js';
import type { Keep, Schedule, ScheduleGuests, SchedulePatch } from './schedule.js';

/** Merges a change into an object as RFC 7396 says: `null` removes a key. */
const merged = <Part extends object>(
  before: Part | undefined,
  change: { [Key in keyof Part]?: Part[Key] | null },
): Partial<Part> =>
  Object.fromEntries(
    Object.entries({ ...before, ...change }).filter(([, value]) => value !== null),
  ) as Partial<Part>;

const keepAfter = ({ keep }: Schedule, change: SchedulePatch['keep']): Keep | undefined => {
  if (change === undefined) return keep;
  const after = merged<Keep>(keep, change ?? {});
  return change === null || Object.keys(after).length === 0 ? undefined : after;
};

/** Returns a schedule after a change. */
export const patchedSchedule = (schedule: Schedule, patch: SchedulePatch): Schedule => {
  const { guests, keep: _, timezone = schedule.timezone, ...others } = patch;
  const { keep: __, ...before } = schedule;
  const keep = keepAfter(schedule, patch.keep);
  return {
    ...before,
    ...(others.name === undefined ? {} : { name: others.name }),
    ...(others.cron === undefined ? {} : { cron: others.cron }),
    ...(others.missed === undefined ? {} : { missed: others.missed ?? 'run' }),
    ...(others.enabled === undefined ? {} : { enabled: others.enabled ?? true }),
    timezone: timezone ?? hostTimezone(),
    guests: guests ? merged<ScheduleGuests>(schedule.guests, guests) : schedule.guests,
    ...(keep ? { keep } : {}),
  };
};

/**
 * Checks what depends on several keys of a schedule.
 * @throws {AgentError} `invalid`
 */
export const requireUsable = ({ action, cron, timezone, guests, keep }: Schedule): void => {
  const problem = cronProblem({ cron, timezone });
  if (problem !== undefined) throw invalid(`"cron" cannot be used: "${cron}": ${problem}`);
  if (action === 'verify' && keep)
    throw invalid('"keep" is for what a schedule makes, and a verification makes nothing: leave it out');
  const { ids = [], tags = [], all = false } = guests;
  if (!all && ids.length === 0 && tags.length === 0)
    throw invalid('"guests" names no guest: give ids, tags, or all: true');
  if (all && (ids.length > 0 || tags.length > 0))
    throw invalid('"guests" names all guests and some of them: give either all: true, or ids and tags');
};
