import { nextDue } from '../../model/cron.js';
import type {
  GuestRun,
  LastRun,
  Schedule,
  ScheduleDetails,
  ScheduleGuest,
  ScheduleStatus,
} from '../../model/schedule.js';
import type { StoredGuest, StoredSchedule } from '../../store/schedule-store.js';
import { expiredOf } from './retention.js';

const runOf = ({ guest, current, last }: StoredGuest): GuestRun | undefined => {
  if (!current) return last;
  const { due, cause, job } = current;
  return { guest, due, cause, outcome: 'running', ...(job === undefined ? {} : { job }) };
};

const lastOf = (guests: readonly StoredGuest[]): LastRun | undefined => {
  const runs = guests.flatMap((guest) => runOf(guest) ?? []);
  // RFC 3339 in UTC, all with milliseconds, has the order of time.
  const due = runs
    .map((run) => run.due)
    .sort()
    .at(-1);
  if (due === undefined) return undefined;
  const counts = { running: 0, success: 0, error: 0 };
  for (const run of runs) if (run.due === due) counts[run.outcome] += 1;
  const outcome = (['running', 'error'] as const).find((each) => counts[each] > 0) ?? 'success';
  return { due, outcome, guests: counts };
};

/** Describes a schedule, with its next and its last time. */
export const statusOf = (
  { schedule, decided, skipped }: StoredSchedule,
  guests: readonly StoredGuest[],
  now: number,
): ScheduleStatus => {
  const next = schedule.enabled ? nextDue(schedule, Math.max(decided, now)) : undefined;
  const last = lastOf(guests);
  return {
    ...schedule,
    ...(next === undefined ? {} : { next: new Date(next).toISOString() }),
    ...(last ? { last } : {}),
    ...(skipped ? { skipped } : {}),
  };
};

const guestOf = (
  stored: StoredGuest,
  { keep, timezone }: Schedule,
  selected: ReadonlySet<string>,
): ScheduleGuest => {
  const { guest, skipped, good, made } = stored;
  const run = runOf(stored);
  return {
    guest,
    selected: selected.has(guest),
    ...(run ? { run } : {}),
    ...(skipped ? { skipped } : {}),
    ...(good === undefined ? {} : { good }),
    kept: made.map(({ name }) => name),
    expired: expiredOf(made, keep, timezone).map(({ name }) => name),
  };
};

/**
 * Describes a schedule with its guests, and what retention would delete now.
 * @param guests those for which it has done something
 * @param selected the ids of those that it has now
 */
export const detailsOf = (
  stored: StoredSchedule,
  guests: readonly StoredGuest[],
  selected: readonly string[],
  now: number,
): ScheduleDetails => {
  const known = new Set(guests.map(({ guest }) => guest));
  const others = selected.filter((id) => !known.has(id));
  const current = new Set(selected);
  return {
    ...statusOf(stored, guests, now),
    status: [
      ...guests.map((guest) => guestOf(guest, stored.schedule, current)),
      ...others.map((guest) => ({ guest, selected: true, kept: [], expired: [] })),
    ],
  };
};
