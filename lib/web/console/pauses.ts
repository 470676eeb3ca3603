const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** The pauses between attempts, each twice as long as the one before it. */
export class Pauses {
  readonly #longestMs: number;
  #ms = FIRST_MS;

  constructor(longestMs = LONGEST_MS) {
    this.#longestMs = longestMs;
  }

  /** Milliseconds. */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 2, this.#longestMs);
    return ms;
  }

  /** An attempt was successful. */
  reset(): void {
    this.#ms = FIRST_MS;
  }
}
