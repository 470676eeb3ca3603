import type { Guest } from '../../model/guest.js';
import type { IdempotentRequest } from '../../model/idempotent-request.js';
import type { Job, JobCause } from '../../model/job.js';
import type { Unchecked } from '../pipeline/check.js';
import type { EnqueueOptions } from './runner.js';

/** An async action that was accepted. */
export interface Submitted<T> {
  job: Job;
  /** The result to give a client that does not wait for the job. */
  pending: T;
  /** Settles with the job's outcome, once that is on disk. */
  done: Promise<T>;
}

/** A dry run of an async action that would have been accepted. */
export interface DryRun<T> {
  job?: never;
  pending: T;
  /** The stages that no sub-agent could check, or not completely. */
  unchecked?: readonly Unchecked[];
}

export type Submission<T> = Submitted<T> | DryRun<T>;

/** A client that creates a guest. */
export interface Creator {
  /** Whose quota the guest counts towards; nobody's when absent. */
  owner: string | undefined;
  /**
   * Checks the guest, as it will be.
   * @throws {AgentError} `forbidden`
   */
  admit: (guest: Guest) => void;
}

export interface SubmitOptions extends EnqueueOptions {
  /** The client's request, when the client may repeat it. */
  request?: IdempotentRequest | undefined;
  /** Whether to check the action without queueing it. */
  dryRun?: boolean | undefined;
  /** The client that wants to create a guest. */
  creator?: Creator | undefined;
  /** Why the agent submits it by itself; absent when a client does. */
  cause?: JobCause | undefined;
  /** The name of the client; absent when the agent submits it by itself. */
  by?: string | undefined;
}
