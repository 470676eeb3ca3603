import type { Job } from '../model/job.js';

interface Details {
  /** Seconds after which the agent thinks that it is worth trying again. */
  retryAfter?: number | undefined;
  /** Node's code of what went wrong with the connection, such as `ECONNREFUSED`. */
  code?: string | undefined;
  cause?: unknown;
}

/** What the agent said was wrong, in its own words. */
export class MistifyError extends Error {
  /** HTTP status; 0 when no agent could be reached. */
  readonly status: number;
  readonly retryAfter: number | undefined;
  readonly code: string | undefined;

  constructor(status: number, message: string, { retryAfter, code, cause }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MistifyError';
    this.status = status;
    this.retryAfter = retryAfter;
    this.code = code;
  }
}

/** A job that was waited for ended in `Error`. The question about it was answered well: its `status` is 200. */
export class JobError extends MistifyError {
  readonly job: Job;

  constructor(job: Job) {
    super(200, `${job.Action}: ${job.Message}`);
    this.name = 'JobError';
    this.job = job;
  }
}
