import { errorMessage } from '../../errors.js';
import type { Guest } from '../../model/guest.js';
import { isSaved } from '../../model/intent.js';
import { withRestoredSizes } from '../../model/restore.js';
import type { Task } from '../../store/logged-job.js';
import type { JobContext } from '../jobs/job-executor.js';
import { runPipeline } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';
import { backupExchange } from './backup-exchange.js';
import { submitGuestAction } from './guest-actions.js';
import { runCreate } from './run-create.js';
import { updateStorageSize } from './storage-actions.js';

type RestoreTask = Extract<Task, { kind: 'restore' }>;

/** Restores into a guest that exists. */
const runIntoGuest = async (
  runtime: Runtime,
  { request }: RestoreTask,
  { job, action, run, signal }: JobContext,
): Promise<void> => {
  await updateStorageSize(runtime);
  const exchange = backupExchange(runtime, action, job.GuestID, request);
  const guest = runtime.guests.get(job.GuestID);
  await runtime.quota.growing(withRestoredSizes(guest, request), () =>
    runPipeline(action, exchange, { run, signal }),
  );
  if (isSaved(runtime.guests.get(job.GuestID)))
    run.report('the memory that was saved belongs to the disks of before: the next start discards it');
};

/** Queues the start of a restored guest behind its restore. */
const start = async (runtime: Runtime, { job, run }: JobContext): Promise<void> => {
  try {
    await submitGuestAction(runtime, runtime.guests.get(job.GuestID), 'start');
  } catch (error) {
    run.report(`the guest was restored, but not started: ${errorMessage(error)}`);
  }
};

/** @returns the restored guest */
export const runRestoreTask = async (
  runtime: Runtime,
  task: RestoreTask,
  context: JobContext,
): Promise<Guest> => {
  const { job, action, run, signal } = context;
  if (task.name === 'restoreBackup') await runIntoGuest(runtime, task, context);
  else
    await runCreate(runtime, context, () =>
      runPipeline(action, backupExchange(runtime, action, job.GuestID, task.request), { run, signal }),
    );
  if (task.start) await start(runtime, context);
  return runtime.guests.get(job.GuestID);
};
