import type { LoggedJob } from '../../store/logged-job.js';
import type { Settling } from '../jobs/job-queue.js';
import type { Runtime } from '../runtime.js';
import { clearTheWay, OVERRULING, settleCreated, settleFailedCreate } from './guest-actions.js';

/** Why a job that was running cannot simply go on; `undefined` when it can. */
const obstacle = (runtime: Runtime, { job, stage }: LoggedJob): string | undefined => {
  if (!runtime.isConfigured(job.Action)) return `interrupted, and ${job.Action} is no longer configured`;
  if (job.Status === 'Queued') return undefined;
  const interrupted = runtime.action(job.Action).stages[stage];
  if (!interrupted || interrupted.idempotent) return undefined;
  return `interrupted: the agent was stopped while ${interrupted.method} ran, which may not be run twice`;
};

const giveUp = async (
  runtime: Runtime,
  { job, task }: LoggedJob,
  reason: string,
  settling: Settling,
): Promise<void> => {
  const id = job.GuestID;
  if (task.kind === 'guest' && task.name === 'create' && runtime.guests.find(id))
    await settleFailedCreate(runtime, { id, job: job.ID, ...settling });
  await settling.persist(() => runtime.jobs.fail(job.ID, reason));
};

/** Queues a job as when it was asked for: what it overruled then may not hold it up now. */
const goOn = (runtime: Runtime, logged: LoggedJob): void => {
  const { job, task } = logged;
  const first = task.kind === 'guest' && OVERRULING.has(task.name);
  runtime.queue.resume(logged, runtime.action(job.Action), { first });
  if (first) clearTheWay(runtime, job, task.name);
};

/** Guests that are being created by no job: that of one was never logged, or it ended without a word about the state. */
const settleOrphanedCreates = (runtime: Runtime, unfinished: readonly LoggedJob[]): void => {
  const underWay = new Set(unfinished.map(({ job }) => job.GuestID));
  for (const guest of runtime.guests.list()) {
    if (guest.state !== 'create' || underWay.has(guest.id)) continue;
    const jobs = runtime.jobs.list({ guestId: guest.id });
    const isCreated = jobs.some(({ Status }) => Status === 'Complete');
    runtime.queue.settle(guest.id, (settling) =>
      isCreated
        ? settling.persist(() => settleCreated(runtime, guest.id))
        : settleFailedCreate(runtime, { id: guest.id, ...settling }),
    );
  }
};

const carryOn = (runtime: Runtime, logged: LoggedJob): void => {
  const reason = obstacle(runtime, logged);
  if (reason === undefined) goOn(runtime, logged);
  else runtime.queue.settle(logged.job.GuestID, (settling) => giveUp(runtime, logged, reason, settling));
};

const guestsOf = (jobs: readonly LoggedJob[]): Set<string> => new Set(jobs.map(({ job }) => job.GuestID));

/**
 * Goes on with what an earlier process of the agent left unfinished: what waited runs, in its guest's order; what
 * ran goes on at its stage when that may be run twice, and ends in `Error` otherwise. What that takes is done on
 * the guests' own runners: neither a sub-agent nor a full disk can hold up the start.
 */
export const recover = (runtime: Runtime): void => {
  const unfinished = runtime.jobs.unfinished();
  settleOrphanedCreates(runtime, unfinished);
  const running = unfinished.filter(({ job }) => job.Status === 'Running');
  const waiting = unfinished.filter(({ job }) => job.Status !== 'Running');
  for (const logged of running) carryOn(runtime, logged);
  const busy = guestsOf(running);
  // Nothing of what waits starts before all of it is queued: what came later may overrule what came before.
  const idle = [...guestsOf(waiting)].filter((id) => !busy.has(id));
  for (const id of idle) runtime.queue.settle(id, async () => {});
  for (const logged of waiting) carryOn(runtime, logged);
};
