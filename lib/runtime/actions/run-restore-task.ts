import type { Guest } from '../../model/guest.js';
import { isSaved } from '../../model/intent.js';
import { withRestoredSizes } from '../../model/restore.js';
import type { Task } from '../../store/logged-job.js';
import type { JobContext } from '../jobs/job-executor.js';
import { runPipeline } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';
import { backupExchange } from './backup-exchange.js';
import { startMade } from './guest-actions.js';
import { runCreate } from './run-create.js';
import { updateStorageSize } from './storage-actions.js';
import { requireNotTemplate } from './templates.js';

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

/** @returns the restored guest */
export const runRestoreTask = async (
  runtime: Runtime,
  task: RestoreTask,
  context: JobContext,
): Promise<Guest> => {
  const { job, action, run, signal } = context;
  requireNotTemplate(runtime.guests.get(job.GuestID), task.name);
  if (task.name === 'restoreBackup') await runIntoGuest(runtime, task, context);
  else
    await runCreate(runtime, context, () =>
      runPipeline(action, backupExchange(runtime, action, job.GuestID, task.request), { run, signal }),
    );
  if (task.start) await startMade(runtime, context);
  return runtime.guests.get(job.GuestID);
};
