import { latestDue, nextDue } from '../../model/cron.js';
import type { RunCause } from '../../model/schedule.js';
import type { StoredSchedule } from '../../store/schedule-store.js';

/** A run that begins this much after its time was missed; less than that is a restart of the agent. */
const MISSED_AFTER_MS = 60_000;

/** A clock that was set back by more than this must not stop a schedule until it has caught up. */
const SET_BACK_MS = 3_600_000;

/**
 * What to do now: begin a run, note that one does not take place, or forget times that have not come yet, because the
 * clock was wrong. `due` is in milliseconds since 1970.
 */
export type Plan =
  | { kind: 'begin'; due: number; cause: Exclude<RunCause, 'request'> }
  | { kind: 'skip'; due: number; reason: string }
  | { kind: 'set-back' };

/** Decides what a schedule has to do now; of several times that have passed, only the last one counts. */
export const planRun = ({ schedule, decided }: StoredSchedule, now: number): Plan | undefined => {
  if (!schedule.enabled) return undefined;
  if (decided > now + SET_BACK_MS) return { kind: 'set-back' };
  const due = latestDue(schedule, decided, now);
  if (due === undefined) return undefined;
  if (now - due < MISSED_AFTER_MS) return { kind: 'begin', due, cause: 'time' };
  if (schedule.missed === 'run') return { kind: 'begin', due, cause: 'missed' };
  return { kind: 'skip', due, reason: 'missed: the agent was down, or the host slept or went down' };
};

/** Returns when a schedule is due next, in milliseconds since 1970; `undefined` when it is not. */
export const nextOf = ({ schedule, decided }: StoredSchedule): number | undefined =>
  schedule.enabled ? nextDue(schedule, decided) : undefined;
