import { setTimeout as delay } from 'node:timers/promises';
import { isFinished, type Job } from '../model/job.js';
import { JobError } from './errors.js';
import type { Jobs } from './jobs.js';
import type { CallOptions } from './transport.js';

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1000;

export interface WaitOptions extends CallOptions {
  /** Called with the job at first, and whenever it has changed. */
  onProgress?: ((job: Job) => void) | undefined;
}

/**
 * Polls a job until it has ended.
 * @throws {JobError} when the job ended in `Error`
 */
export const waitForJob = async (
  jobs: Jobs,
  id: string,
  { onProgress, signal }: WaitOptions = {},
): Promise<Job> => {
  let previous = '';
  for (let ms = FIRST_DELAY_MS; ; ms = Math.min(ms * 1.5, LONGEST_DELAY_MS)) {
    const job = await jobs.get(id, { signal });
    const current = JSON.stringify(job);
    if (current !== previous) onProgress?.(job);
    previous = current;
    if (job.Status === 'Error') throw new JobError(job);
    if (isFinished(job)) return job;
    await delay(ms, undefined, signal ? { signal } : {});
  }
};
