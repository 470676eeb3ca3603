import type { LoggedJob } from './logged-job.js';

/** How long a client may repeat a request: its job is kept, however many jobs follow. */
const KEEP_REQUESTED_MS = 60 * 60 * 1000;
/** At most this many jobs are kept for that reason alone. */
const MAX_REQUESTED = 50_000;

/** Decides which finished jobs a log of limited size forgets. */
export class JobRetention {
  readonly #maxJobs: number;
  /** Finished jobs, in the order in which they ended. */
  readonly #finished = new Set<string>();
  /** Jobs beyond the limit that are kept because their client may repeat the request. */
  readonly #requested = new Set<string>();

  constructor(maxJobs: number) {
    this.#maxJobs = maxJobs;
  }

  noteFinished(id: string): void {
    this.#finished.add(id);
  }

  /**
   * Calls `forget` for the oldest finished jobs beyond the limit.
   * @param size counts the jobs that the log still has
   */
  prune(size: () => number, find: (id: string) => LoggedJob | undefined, forget: (id: string) => void): void {
    for (const id of this.#finished) {
      if (size() - this.#requested.size <= this.#maxJobs) break;
      this.#finished.delete(id);
      if (find(id)?.request) this.#requested.add(id);
      else forget(id);
    }
    for (const id of this.#requested) {
      const age = Date.now() - Date.parse(find(id)?.job.UpdatedAt ?? '');
      if (age < KEEP_REQUESTED_MS && this.#requested.size <= MAX_REQUESTED) break;
      this.#requested.delete(id);
      forget(id);
    }
  }
}
