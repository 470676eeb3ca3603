import type { JobContext } from '../jobs/job-executor.js';
import type { Runtime } from '../runtime.js';
import { cleanUpFailedCreate, finishCreate } from './create-outcome.js';
import { updateStorageSize } from './storage-actions.js';

/**
 * Runs the stages that make a guest, within the quota of the host, which may have changed since they were submitted. When
 * they fail, what they made is removed.
 */
export const runCreate = async (
  runtime: Runtime,
  { job, signal, retryWrite }: JobContext,
  runStages: () => Promise<unknown>,
): Promise<void> => {
  const id = job.GuestID;
  try {
    try {
      await updateStorageSize(runtime);
      runtime.quota.admit(runtime.guests.get(id));
      await runStages();
    } catch (error) {
      await cleanUpFailedCreate(runtime, { id, job: job.ID, signal, retryWrite });
      throw error;
    }
    await retryWrite(() => finishCreate(runtime, id));
  } finally {
    runtime.quota.settled(id);
  }
};
