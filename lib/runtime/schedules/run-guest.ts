import { errorMessage } from '../../errors.js';
import type { IdempotentRequest } from '../../model/idempotent-request.js';
import type { GuestRun, Schedule } from '../../model/schedule.js';
import type { ScheduleStore, StoredGuest } from '../../store/schedule-store.js';
import { retryWrite } from '../jobs/retry-write.js';
import type { Runtime } from '../runtime.js';
import { pruneMade } from './prune-made.js';
import type { ScheduledWork, WorkContext } from './scheduled-work.js';

export interface RunGuestOptions {
  runtime: Runtime;
  store: ScheduleStore;
  work: ScheduledWork;
  now: () => number;
  /** Whether an earlier process of the agent began the run. */
  isResumed: boolean;
  /** Called with each job that the run submits or follows. */
  onJob: (job: string) => void;
  /** Called when something was deleted. */
  onDeleted: () => void;
  onWait: WorkContext['onWait'];
  /** Aborted when the agent stops. */
  signal: AbortSignal;
}

/** Makes the key of a job of a run. No client can send it: those of clients begin with the name of a token, or a space. */
export const requestOf = (what: string, ...run: string[]): IdempotentRequest => ({
  key: `\tschedule ${run.join(' ')} ${what}`,
  fingerprint: what,
});

/**
 * Runs a schedule for one guest: makes what it makes, and deletes what has expired. All that a restart needs to resume it is
 * stored first.
 * @returns the run as it ended; `undefined` when it has not ended, because the agent stops, or when it no longer matters
 */
export const runGuest = async (
  options: RunGuestOptions,
  schedule: Schedule,
  guestId: string,
): Promise<GuestRun | undefined> => {
  const { runtime, store, work, now, isResumed, onJob, onDeleted, onWait, signal } = options;
  const { id } = schedule;
  const state = store.findGuest(id, guestId);
  const guest = runtime.guests.find(guestId);
  if (!state?.current || !guest) return undefined;
  const { current } = state;
  const { due, cause, name } = current;
  const write = (change: (state: StoredGuest) => StoredGuest): Promise<void> =>
    retryWrite(
      () => store.updateGuest(id, guestId, change),
      (error) =>
        runtime.log.error(
          { guest: guestId },
          `run of a schedule not written, retrying: ${errorMessage(error)}`,
        ),
    );
  let { job } = current;
  let isMade = state.made.some((made) => made.name === name);
  const context: WorkContext = {
    runtime,
    schedule,
    guest,
    isResumed,
    requestOf: (what) => requestOf(what, id, due, guestId),
    onJob: async (submitted) => {
      onJob(submitted);
      if (isMade) return;
      job = submitted;
      await write((before) =>
        before.current ? { ...before, current: { ...before.current, job: submitted } } : before,
      );
    },
    onWait,
    signal,
  };
  const end = async (outcome: 'success' | 'error', message: string): Promise<GuestRun | undefined> => {
    if (signal.aborted || runtime.queue.isStopping || runtime.queue.detached.aborted) return undefined;
    const run: GuestRun = {
      ...{ guest: guestId, due, cause, outcome, ended: new Date(now()).toISOString() },
      ...(job === undefined ? {} : { job }),
      ...(message === '' ? {} : { message }),
    };
    await write(({ current: _, ...before }) => ({ ...before, last: run }));
    return store.findGuest(id, guestId) ? run : undefined;
  };
  try {
    if (!isMade) {
      const made = await work.make(context, current);
      const good = new Date(now()).toISOString();
      await write((before) => ({ ...before, good, made: made ? [...before.made, made] : before.made }));
      isMade = true;
    }
  } catch (error) {
    return end('error', errorMessage(error));
  }
  const { count, problem = '' } = await pruneMade(store, work, context);
  if (count > 0) onDeleted();
  return end('success', problem);
};
