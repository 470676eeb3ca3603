import type { ErrorKind } from '../errors.js';
import type { Job } from '../model/job.js';
import type { Task } from './task.js';

/** A request that its client may send again without having it done again. */
export interface IdempotentRequest {
  /** By which the client calls it. */
  key: string;
  /** Of what it asks for. */
  fingerprint: string;
}

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
  request?: AnsweredRequest;
}
