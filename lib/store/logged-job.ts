import type { ErrorKind } from '../errors.js';
import type { GuestAction } from '../model/actions.js';
import type { IdempotentRequest } from '../model/idempotent-request.js';
import type { Job } from '../model/job.js';
import type { ImageRequest, SnapshotRequest } from '../rpc/protocol/messages.js';

/** The work of a job, stored with it so that a restart does not lose it. The job's Action selects the pipeline. */
export type Task =
  | { kind: 'guest'; name: 'create' | GuestAction }
  | { kind: 'image'; request: ImageRequest }
  | { kind: 'snapshot'; request: SnapshotRequest };

/** What is kept of such a request beside its job. Answers are JSON text: keys in them may be the users' own. */
export interface AnsweredRequest extends IdempotentRequest {
  /** What it was answered at first. */
  pending: string;
  /** What came of it, once it has ended. */
  outcome?: { answer: string } | { kind: ErrorKind };
}

/** A job with what is needed to go on with it after a restart. */
export interface LoggedJob {
  job: Job;
  task: Task;
  /** The stage of its pipeline that it is at, from 0. */
  stage: number;
  /** The progress last reported, 0 to 100; absent when no sub-agent reported it. */
  percent?: number;
  request?: AnsweredRequest;
}
