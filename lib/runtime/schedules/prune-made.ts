import { AgentError, errorMessage } from '../../errors.js';
import type { MadeByRun, ScheduleStore } from '../../store/schedule-store.js';
import { expiredOf } from './retention.js';
import type { ScheduledWork, WorkContext } from './scheduled-work.js';

export interface Pruned {
  /** How many were deleted. */
  count: number;
  /** What could not be done, in words. */
  problem?: string;
}

const isGone = (error: unknown): boolean => error instanceof AgentError && error.kind === 'not_found';

/** Deletes what has expired of a guest, one after the other, and forgets what a user has deleted. */
export const pruneMade = async (
  store: ScheduleStore,
  { present, remove }: ScheduledWork,
  context: WorkContext,
): Promise<Pruned> => {
  const { guest, schedule } = context;
  const { id } = schedule;
  const made = (): readonly MadeByRun[] => store.findGuest(id, guest.id)?.made ?? [];
  const forget = (gone: readonly MadeByRun[]): Promise<void> => {
    const names = new Set(gone.map(({ name }) => name));
    return store.updateGuest(id, guest.id, (state) => ({
      ...state,
      made: state.made.filter(({ name }) => !names.has(name)),
    }));
  };
  let count = 0;
  if (!present || !remove) return { count };
  let what = 'what has expired';
  try {
    const left = await present(context, made());
    const gone = made().filter((each) => !left.includes(each));
    if (gone.length > 0) await forget(gone);
    // The retention may have changed since the run began.
    const { keep, timezone } = store.find(id)?.schedule ?? schedule;
    for (const each of store.find(id) ? expiredOf(made(), keep, timezone) : []) {
      what = each.name;
      await remove(context, each).catch((error: unknown) => {
        if (!isGone(error)) throw error;
      });
      await forget([each]);
      count += 1;
    }
    return { count };
  } catch (error) {
    return { count, problem: `${what} not deleted: ${errorMessage(error)}` };
  }
};
