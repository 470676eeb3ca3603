import type { Job } from '../model/job.js';

interface Details {
  /** Seconds to wait before trying again, from Retry-After. */
  retryAfter?: number | undefined;
  /** Node's code of a connection error, such as `ECONNREFUSED`. */
  code?: string | undefined;
  /** The right that the request needs and the client lacks. */
  scope?: string | undefined;
  cause?: unknown;
}

/** An error response of the agent, with the agent's message, or a connection that failed. */
export class MistifyError extends Error {
  /** The HTTP status; 0 when no agent could be reached. */
  readonly status: number;
  readonly retryAfter: number | undefined;
  readonly code: string | undefined;
  readonly scope: string | undefined;

  constructor(status: number, message: string, { retryAfter, code, scope, cause }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MistifyError';
    this.status = status;
    this.retryAfter = retryAfter;
    this.code = code;
    this.scope = scope;
  }
}

/** A job ended in `Error`. Its `status` is 200, because the request for the job succeeded. */
export class JobError extends MistifyError {
  readonly job: Job;

  constructor(job: Job) {
    super(200, `${job.Action}: ${job.Message}`);
    this.name = 'JobError';
    this.job = job;
  }
}
