import { keyReused } from '../../errors.js';
import type { IdempotentRequest } from '../../model/idempotent-request.js';
import type { JobLog } from '../../store/job-log.js';
import type { JobQueue } from './job-queue.js';
import type { Submission } from './submission.js';

interface InFlight {
  fingerprint: string;
  submission: Promise<Submission<unknown>>;
}

/** Submits a request once, however often its client repeats it with the same idempotency key. */
export class IdempotentRequests {
  readonly #jobs: JobLog;
  readonly #queue: JobQueue;
  /** Requests that do not have a job yet, by idempotency key. */
  readonly #inFlight = new Map<string, InFlight>();

  constructor(jobs: JobLog, queue: JobQueue) {
    this.#jobs = jobs;
    this.#queue = queue;
  }

  /**
   * Submits a request, or returns the submission of an earlier request with its key. A request that failed before it
   * had a job is submitted again.
   * @param request absent when the client gave no key
   * @throws {AgentError} `conflict` when the key was used for a different request
   */
  async once<T>(
    request: IdempotentRequest | undefined,
    submit: () => Promise<Submission<T>>,
  ): Promise<Submission<T>> {
    if (!request) return submit();
    const { key, fingerprint } = request;
    const inFlight = this.#inFlight.get(key);
    const logged = this.#jobs.findByKey(key);
    const earlier = inFlight ?? logged?.request;
    if (earlier && earlier.fingerprint !== fingerprint) throw keyReused();
    // The earlier request may have failed because its client disconnected, so submit this one.
    if (inFlight)
      return (inFlight.submission as Promise<Submission<T>>).catch(() => this.once(request, submit));
    if (logged) return this.#queue.follow<T>(logged);
    const submission = submit();
    this.#inFlight.set(key, { fingerprint, submission });
    try {
      return await submission;
    } finally {
      this.#inFlight.delete(key);
    }
  }
}
