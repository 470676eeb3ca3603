import type { IdempotentRequest } from '../../model/idempotent-request.js';
import type { Job } from '../../model/job.js';
import type { EnqueueOptions } from './runner.js';

/** An async action that was accepted. */
export interface Submitted<T> {
  job: Job;
  /** What can be said before it has ended. */
  pending: T;
  /** Settles as the action does. */
  done: Promise<T>;
}

/** An async action that would have been accepted, had it not been a dry run. */
export interface Rehearsed<T> {
  job?: never;
  pending: T;
}

export type Submission<T> = Submitted<T> | Rehearsed<T>;

export interface SubmitOptions extends EnqueueOptions {
  /** The client's request that it answers, when that may come again. */
  request?: IdempotentRequest | undefined;
  /** Whether only to check that it would be accepted. */
  dryRun?: boolean | undefined;
}
