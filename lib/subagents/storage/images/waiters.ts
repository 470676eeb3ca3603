/** The ways in which a caller may end its wait. */
export interface Leaving {
  /** Aborted when the caller stops waiting; without it, the caller waits to the end. */
  left?: AbortSignal | undefined;
  /** Aborted when the caller no longer wants the result, and will not come back. */
  cancelled?: AbortSignal | undefined;
}

/** Counts the callers that wait for one piece of work, and signals when it has been without a caller for a while. */
export class Waiters {
  readonly #graceMs: number;
  readonly #abandoned = new AbortController();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param graceMs milliseconds for another caller to arrive after the last one has left */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Aborted when the grace period ends without a caller, or when the last caller cancels. */
  get abandoned(): AbortSignal {
    return this.#abandoned.signal;
  }

  /** Adds a caller. */
  enter({ left, cancelled }: Leaving = {}): void {
    clearTimeout(this.#timer);
    this.#count += 1;
    let isWaiting = true;
    const onLeave = (): void => {
      if (!isWaiting) return;
      isWaiting = false;
      this.#leave(cancelled?.aborted === true);
    };
    for (const signal of [cancelled, left])
      if (signal?.aborted) onLeave();
      else signal?.addEventListener('abort', onLeave, { once: true });
  }

  /** Ends the count when the work is done. */
  end(): void {
    clearTimeout(this.#timer);
    // Callers that leave from now on must not start the timer.
    this.#count = Number.POSITIVE_INFINITY;
  }

  #leave(isCancelled: boolean): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    if (isCancelled) {
      this.#abandoned.abort(new Error('cancelled'));
      return;
    }
    const seconds = this.#graceMs / 1000;
    this.#timer = setTimeout(
      () => this.#abandoned.abort(new Error(`cancelled: no caller has waited for it for ${seconds} s`)),
      this.#graceMs,
    );
  }
}
