import { keyReused } from '../../errors.js';
import type { IdempotentRequest } from '../../model/idempotent-request.js';
import type { JobLog } from '../../store/job-log.js';
import type { JobQueue } from './job-queue.js';
import type { Submission } from './submission.js';

interface UnderWay {
  fingerprint: string;
  submission: Promise<Submission<unknown>>;
}

/** Sees to it that a request that its client sends again, because it has not seen the answer, is not done again. */
export class IdempotentRequests {
  readonly #jobs: JobLog;
  readonly #queue: JobQueue;
  /** Those that have no job yet. */
  readonly #underWay = new Map<string, UnderWay>();

  constructor(jobs: JobLog, queue: JobQueue) {
    this.#jobs = jobs;
    this.#queue = queue;
  }

  /**
   * Submits what a request asks for, or finds what it has led to before. One that failed without a job may be tried
   * again.
   * @param request absent when the client has given it no key
   * @throws {AgentError} `conflict` when the key was that of another request
   */
  async once<T>(
    request: IdempotentRequest | undefined,
    submit: () => Promise<Submission<T>>,
  ): Promise<Submission<T>> {
    if (!request) return submit();
    const { key, fingerprint } = request;
    const underWay = this.#underWay.get(key);
    const logged = this.#jobs.findByKey(key);
    const earlier = underWay ?? logged?.request;
    if (earlier && earlier.fingerprint !== fingerprint) throw keyReused();
    // The other one may fail because its client went away, which is no reason for this one.
    if (underWay)
      return (underWay.submission as Promise<Submission<T>>).catch(() => this.once(request, submit));
    if (logged) return this.#queue.follow<T>(logged);
    const submission = submit();
    this.#underWay.set(key, { fingerprint, submission });
    try {
      return await submission;
    } finally {
      this.#underWay.delete(key);
    }
  }
}
