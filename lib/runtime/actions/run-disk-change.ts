import { errorMessage } from '../../errors.js';
import type { DiskRemoval } from '../../model/disk-changes.js';
import type { GuestChange } from '../../rpc/protocol/guest-messages.js';
import { type DiskChangeAction, withDiskChange } from '../guests/changed-disks.js';
import { dryGuestExchange, guestExchange } from '../guests/guest-exchange.js';
import type { JobContext } from '../jobs/job-executor.js';
import type { RepairContext } from '../jobs/job-queue.js';
import { checkPipeline } from '../pipeline/check.js';
import { runPipeline } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';
import { runCleanUpStage } from './create-outcome.js';
import { updateStorageSize } from './storage-actions.js';

interface FailedAddition extends RepairContext {
  /** The guest's id. */
  id: string;
  /** The id of the job that failed. */
  job: string;
}

/**
 * Removes the disk that a failed job has added, wherever the job came to, by the stages of `removeDisk`. A failed stage is
 * logged and skipped: what remains is among the guest's disks, and can be removed like any other.
 * @throws {AgentError} `unavailable` when the agent stops: the next start repeats it
 */
export const undoAddition = async (
  runtime: Runtime,
  { id, job, ...context }: FailedAddition,
): Promise<void> => {
  if (!runtime.isConfigured('removeDisk')) return;
  const action = runtime.action('removeDisk');
  const change: DiskRemoval = { addedBy: job, keep: false, force: true };
  for (const stage of action.stages) {
    runtime.queue.detached.throwIfAborted();
    try {
      await runCleanUpStage(runtime, action, stage, { id, ...context }, { ...change });
    } catch (error) {
      runtime.log.warn(
        { guest: id, job },
        `${stage.method} failed while undoing the addition of a disk: ${errorMessage(error)}`,
      );
    }
  }
};

/**
 * Changes the disks of a guest within the quota of the host. All stages are checked before the first one changes anything.
 * A disk that cannot be added completely is removed again.
 * @throws {AgentError} `no_space` when the quota does not permit the disks
 */
export const runDiskChange = async (
  runtime: Runtime,
  name: DiskChangeAction,
  change: GuestChange,
  { job, action, run, signal, retryWrite }: JobContext,
): Promise<void> => {
  const id = job.GuestID;
  await updateStorageSize(runtime);
  const guest = runtime.guests.get(id);
  if (run.fromStage === 0 && !run.repeated)
    await checkPipeline(action, dryGuestExchange(action, guest, change));
  const exchange = guestExchange(runtime, action, id, { change });
  try {
    await runtime.quota.growing(withDiskChange(guest, name, change), () =>
      runPipeline(action, exchange, { run, signal }),
    );
  } catch (error) {
    if (name === 'addDisk') await undoAddition(runtime, { id, job: job.ID, signal, retryWrite });
    throw error;
  }
};
