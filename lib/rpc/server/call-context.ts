import type { Request } from '@hapi/hapi';
import { disconnectSignal } from '../../http/disconnect-signal.js';
import type { Logger } from '../../log.js';
import { CALL_HEADERS, type JobStage } from '../protocol/calls.js';
import type { Cancellations } from './cancellations.js';

/**
 * Reports progress. The job shows the message; `percent`, 0 to 100, goes into the agent's events.
 */
export type ReportProgress = (message: string, percent?: number) => void;

/** The second argument of a method. */
export interface CallContext {
  /** Aborts when the agent no longer waits for the response. */
  signal: AbortSignal;
  /** Aborts when the job of a download was cancelled. `signal` may also abort because the agent restarts. */
  cancelled: AbortSignal;
  log: Logger;
  /** The job, stage and attempt of an async action's call. */
  job: JobStage | undefined;
  /** Reports how far the call has come; call it at most once a second. */
  progress: ReportProgress;
}

/** Reads the job, stage and attempt from a call's headers. */
export const jobStage = (headers: Record<string, unknown>): JobStage | undefined => {
  const job = headers[CALL_HEADERS.job];
  if (typeof job !== 'string') return undefined;
  return { job, stage: Number(headers[CALL_HEADERS.stage]), attempt: Number(headers[CALL_HEADERS.attempt]) };
};

/** Whether the agent repeats a call whose outcome it does not know. Finding the work done is then a success. */
export const isRepeated = ({ job }: Pick<CallContext, 'job'>): boolean => (job?.attempt ?? 1) > 1;

/** Makes the context of a request. */
export type MakeCallContext = (request: Request, about: object) => CallContext;

/** Makes the signal and the log on first use: most methods need neither, and both cost more than a small response. */
export class LazyCallContext implements CallContext {
  readonly job: JobStage | undefined;
  readonly progress: ReportProgress;
  readonly #request: Request;
  readonly #makeLog: () => Logger;
  readonly #cancellations: Cancellations;
  #log: Logger | undefined;
  #signal: AbortSignal | undefined;
  #cancelled: AbortSignal | undefined;

  constructor(
    request: Request,
    {
      job,
      log,
      progress,
      cancellations,
    }: {
      job: JobStage | undefined;
      log: () => Logger;
      progress: ReportProgress;
      cancellations: Cancellations;
    },
  ) {
    this.job = job;
    this.progress = progress;
    this.#request = request;
    this.#makeLog = log;
    this.#cancellations = cancellations;
  }

  get log(): Logger {
    this.#log ??= this.#makeLog();
    return this.#log;
  }

  get cancelled(): AbortSignal {
    this.#cancelled ??= this.job
      ? this.#cancellations.signalOf(this.job.job, this.#request)
      : new AbortController().signal;
    return this.#cancelled;
  }

  get signal(): AbortSignal {
    this.#signal ??= disconnectSignal(this.#request);
    return this.#signal;
  }
}
