import type { Request } from '@hapi/hapi';
import { disconnectSignal } from '../../http/disconnect-signal.js';
import type { Logger } from '../../log.js';
import { CALL_HEADERS, type JobStage } from '../protocol/messages.js';

/**
 * Reports progress. The job shows the message; `percent`, 0 to 100, goes into the agent's events.
 */
export type ReportProgress = (message: string, percent?: number) => void;

/** What a method is told beside its request. */
export interface CallContext {
  /** Aborted when the agent is no longer waiting for the answer. */
  signal: AbortSignal;
  log: Logger;
  /** What the call is part of; absent when no job is behind it. */
  job: JobStage | undefined;
  /** Reports how far the call has come; call it at most once a second. */
  progress: ReportProgress;
}

/** What a call's headers say of it. */
export const jobStage = (headers: Record<string, unknown>): JobStage | undefined => {
  const job = headers[CALL_HEADERS.job];
  if (typeof job !== 'string') return undefined;
  return { job, stage: Number(headers[CALL_HEADERS.stage]), attempt: Number(headers[CALL_HEADERS.attempt]) };
};

/** Most methods look neither at the signal nor at the log, and to make these costs more than a small answer. */
export class LazyCallContext implements CallContext {
  readonly job: JobStage | undefined;
  readonly progress: ReportProgress;
  readonly #request: Request;
  readonly #makeLog: () => Logger;
  #log: Logger | undefined;
  #signal: AbortSignal | undefined;

  constructor(
    request: Request,
    { job, log, progress }: { job: JobStage | undefined; log: () => Logger; progress: ReportProgress },
  ) {
    this.job = job;
    this.progress = progress;
    this.#request = request;
    this.#makeLog = log;
  }

  get log(): Logger {
    this.#log ??= this.#makeLog();
    return this.#log;
  }

  get signal(): AbortSignal {
    this.#signal ??= disconnectSignal(this.#request);
    return this.#signal;
  }
}
