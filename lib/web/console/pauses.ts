const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** The pauses between attempts, each twice as long as the one before it. */
export class Pauses {
  #ms = FIRST_MS;

  /** Milliseconds. */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 2, LONGEST_MS);
    return ms;
  }

  /** An attempt was successful. */
  reset(): void {
    this.#ms = FIRST_MS;
  }
}
