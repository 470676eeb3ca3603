const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** Delays between attempts; each is twice as long as the one before, up to a limit. */
export class Backoff {
  readonly #longestMs: number;
  #ms = FIRST_MS;

  constructor(longestMs = LONGEST_MS) {
    this.#longestMs = longestMs;
  }

  /** Returns the next delay in milliseconds. */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 2, this.#longestMs);
    return ms;
  }

  /** Starts over after a successful attempt. */
  reset(): void {
    this.#ms = FIRST_MS;
  }
}
