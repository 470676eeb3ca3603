/** Those who wait for one piece of work, which is for nobody when the last of them is gone for some time. */
export class Waiters {
  readonly #graceMs: number;
  readonly #gone = new AbortController();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param graceMs milliseconds for another one to come */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Aborted when nobody has waited for that long. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** @param left aborted when that one no longer waits; one without waits to the end */
  enter(left?: AbortSignal): void {
    clearTimeout(this.#timer);
    this.#count += 1;
    if (left?.aborted) this.#leave();
    else left?.addEventListener('abort', () => this.#leave(), { once: true });
  }

  /** The work is done. */
  end(): void {
    clearTimeout(this.#timer);
    // Who leaves now leaves nothing behind.
    this.#count = Number.POSITIVE_INFINITY;
  }

  #leave(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    const seconds = this.#graceMs / 1000;
    this.#timer = setTimeout(
      () => this.#gone.abort(new Error(`called off: nobody has waited for it for ${seconds} s`)),
      this.#graceMs,
    );
  }
}
