import { errorMessage } from '../../errors.js';
import type { GuestRun, Schedule } from '../../model/schedule.js';
import type { MadeByRun, ScheduleStore, StoredGuest } from '../../store/schedule-store.js';
import { retryWrite } from '../jobs/retry-write.js';
import type { Runtime } from '../runtime.js';
import { expiredOf } from './retention.js';
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
}

/** No client can send these: their keys begin with the name of a token, and a single space follows. */
const keyOf = (...parts: string[]): string => ` schedule ${parts.join(' ')}`;

/** Deletes what has expired, one after the other. Returns what could not be done, in words. */
const prune = async (
  { store, work }: RunGuestOptions,
  context: WorkContext,
  { id }: Schedule,
): Promise<string[]> => {
  const problems: string[] = [];
  const { guest } = context;
  const made = (): readonly MadeByRun[] => store.findGuest(id, guest.id)?.made ?? [];
  const forget = (names: ReadonlySet<string>): Promise<void> =>
    store.updateGuest(id, guest.id, (state) => ({
      ...state,
      made: state.made.filter(({ name }) => !names.has(name)),
    }));
  try {
    const present = new Set((await work.present(context, made())).map(({ name }) => name));
    const gone = made().filter(({ name }) => !present.has(name));
    if (gone.length > 0) await forget(new Set(gone.map(({ name }) => name)));
    const schedule = store.find(id)?.schedule;
    for (const each of schedule ? expiredOf(made(), schedule.keep, schedule.timezone) : []) {
      await work.remove(context, each);
      await forget(new Set([each.name]));
    }
  } catch (error) {
    problems.push(errorMessage(error));
  }
  return problems;
};

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
  const { runtime, store, work, now, isResumed, onJob } = options;
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
  const context: WorkContext = {
    runtime,
    schedule,
    guest,
    isResumed,
    requestOf: (what) => ({ key: keyOf(id, due, guestId, what), fingerprint: what }),
    onJob: async (submitted) => {
      onJob(submitted);
      if (job !== undefined) return;
      job = submitted;
      await write((before) =>
        before.current ? { ...before, current: { ...before.current, job: submitted } } : before,
      );
    },
  };
  const end = async (outcome: 'success' | 'error', message: string): Promise<GuestRun | undefined> => {
    if (runtime.queue.isStopping || runtime.queue.detached.aborted) return undefined;
    const run: GuestRun = {
      ...{ guest: guestId, due, cause, outcome, ended: new Date(now()).toISOString() },
      ...(job === undefined ? {} : { job }),
      ...(message === '' ? {} : { message }),
    };
    await write(({ current: _, ...before }) => ({ ...before, last: run }));
    return store.findGuest(id, guestId) ? run : undefined;
  };
  try {
    if (!state.made.some((made) => made.name === name)) {
      const made = await work.make(context, current);
      const good = new Date(now()).toISOString();
      await write((before) => ({ ...before, good, made: [...before.made, made] }));
    }
  } catch (error) {
    return end('error', errorMessage(error));
  }
  return end('success', (await prune(options, context, schedule)).join('; '));
};
