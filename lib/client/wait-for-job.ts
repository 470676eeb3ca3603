import { setTimeout as delay } from 'node:timers/promises';
import { isFinished, type Job } from '../model/job.js';
import { JobError } from './errors.js';
import type { Jobs } from './jobs.js';
import type { CallOptions } from './transport.js';

const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 1000;

export interface WaitOptions extends CallOptions {
  /** Is told of the job at first, and each time that something of it is another. */
  onProgress?: ((job: Job) => void) | undefined;
}

/**
 * Waits until a job has ended.
 * @throws {JobError} when it ended in `Error`
 */
export const waitForJob = async (
  jobs: Jobs,
  id: string,
  { onProgress, signal }: WaitOptions = {},
): Promise<Job> => {
  let seen = '';
  for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 1.5, LONGEST_POLL_MS)) {
    const job = await jobs.get(id, { signal });
    const now = JSON.stringify(job);
    if (now !== seen) onProgress?.(job);
    seen = now;
    if (job.Status === 'Error') throw new JobError(job);
    if (isFinished(job)) return job;
    await delay(pause, undefined, signal ? { signal } : {});
  }
};
