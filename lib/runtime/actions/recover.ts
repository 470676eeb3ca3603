import { ACTION_SPECS, isPreempting } from '../../model/actions.js';
import type { LoggedJob } from '../../store/logged-job.js';
import type { RepairContext } from '../jobs/job-queue.js';
import { laneOf } from '../jobs/lanes.js';
import type { Runtime } from '../runtime.js';
import { cleanUpFailedCreate, finishCreate, retryCleanUp } from './create-outcome.js';
import { preempt } from './guest-actions.js';
import { undoAddition } from './run-disk-change.js';

const guestsOf = (jobs: readonly LoggedJob[]): Set<string> => new Set(jobs.map(({ job }) => job.GuestID));

/** Returns the reason why an unfinished job cannot resume; `undefined` when it can. */
const blocker = (runtime: Runtime, { job, stage }: LoggedJob): string | undefined => {
  if (!runtime.isConfigured(job.Action)) return `interrupted, and ${job.Action} is no longer configured`;
  if (job.Status === 'Queued') return undefined;
  const interrupted = runtime.action(job.Action).stages[stage];
  if (!interrupted || interrupted.idempotent) return undefined;
  return `interrupted: the agent stopped during ${interrupted.method}, which is not safe to repeat`;
};

const giveUp = async (
  runtime: Runtime,
  { job, task }: LoggedJob,
  reason: string,
  context: RepairContext,
): Promise<void> => {
  const id = job.GuestID;
  if (ACTION_SPECS.get(job.Action)?.createsGuest && runtime.guests.find(id))
    await cleanUpFailedCreate(runtime, { id, job: job.ID, ...context });
  if (task.kind === 'guest' && task.name === 'addDisk' && runtime.guests.find(id))
    await undoAddition(runtime, { id, job: job.ID, ...context });
  await context.retryWrite(() => runtime.jobs.fail(job.ID, reason));
};

/** Queues a job as at its first submission: a poweroff or a delete preempts the jobs before it again. */
const resume = (runtime: Runtime, logged: LoggedJob): void => {
  const { job, task } = logged;
  const preempting = task.kind === 'guest' && isPreempting(task.name) ? task.name : undefined;
  runtime.queue.resume(logged, runtime.action(job.Action), { first: preempting !== undefined });
  if (preempting) preempt(runtime, job, preempting);
};

/**
 * Repairs guests in state `create` without an unfinished job: their job was never logged, or it completed without a
 * stage that set the state.
 */
const repairOrphanedCreates = (runtime: Runtime, unfinished: readonly LoggedJob[]): void => {
  const busy = guestsOf(unfinished);
  for (const guest of runtime.guests.list()) {
    // The agent does not remember whether the clean-up succeeded.
    if (guest.state === 'error') retryCleanUp(runtime, guest.id);
    if (guest.state !== 'create' || busy.has(guest.id)) continue;
    const jobs = runtime.jobs.list({ guestId: guest.id });
    const isCreated = jobs.some(({ Status }) => Status === 'Complete');
    runtime.queue.enqueueRepair(guest.id, (context) =>
      isCreated
        ? context.retryWrite(() => finishCreate(runtime, guest.id))
        : cleanUpFailedCreate(runtime, { id: guest.id, ...context }),
    );
  }
};

/** Whether a stage that always runs has yet to end what an interrupted job began. */
const mustEnd = (runtime: Runtime, { job, stage }: LoggedJob): boolean =>
  runtime.isConfigured(job.Action) &&
  runtime
    .action(job.Action)
    .stages.slice(stage)
    .some(({ always }) => always);

const recoverJob = (runtime: Runtime, logged: LoggedJob): void => {
  const reason = blocker(runtime, logged);
  if (reason === undefined) resume(runtime, logged);
  else if (mustEnd(runtime, logged))
    resume(runtime, { ...logged, failure: { kind: 'bad_answer', message: reason } });
  else runtime.queue.enqueueRepair(logged.job.GuestID, (context) => giveUp(runtime, logged, reason, context));
};

/**
 * Recovers what an earlier process of the agent left unfinished. Waiting jobs run in their guest's order. A running
 * job resumes at its stage when that is idempotent, and otherwise ends in `Error`. All of this runs on the guests' own
 * runners, so neither a sub-agent nor a full disk can delay the start.
 */
export const recover = (runtime: Runtime): void => {
  const unfinished = runtime.jobs.unfinished();
  repairOrphanedCreates(runtime, unfinished);
  const running = unfinished.filter(({ job }) => job.Status === 'Running');
  const waiting = unfinished.filter(({ job }) => job.Status !== 'Running');
  for (const logged of running) recoverJob(runtime, logged);
  const busy = guestsOf(running.filter(({ job, task }) => laneOf(task, job.GuestID) === undefined));
  // An idle runner would start its first job at once, before a later poweroff or delete is queued to preempt it.
  const idle = [...guestsOf(waiting)].filter((id) => !busy.has(id));
  for (const id of idle) runtime.queue.enqueueRepair(id, async () => {});
  for (const logged of waiting) recoverJob(runtime, logged);
};
