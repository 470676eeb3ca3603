import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '../../portable/backoff.js';

/** Retries in the background what has failed for a guest, as on a full disk. */
export class Retries {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #guests = new Set<string>();
  readonly #closed = new AbortController();

  /** @param firstMs milliseconds before the first retry; each further pause is twice as long, up to `maxMs` */
  constructor(firstMs: number, maxMs: number) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  /** Runs `work` until it succeeds. Does nothing while something is being retried for that guest already. */
  start(guest: string, work: () => Promise<void>): void {
    if (this.#guests.has(guest)) return;
    this.#guests.add(guest);
    void this.#retry(work).finally(() => this.#guests.delete(guest));
  }

  close(): void {
    this.#closed.abort();
  }

  async #retry(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#closed;
    const backoff = new Backoff(this.#firstMs, this.#maxMs);
    for (let isDone = false; !isDone; ) {
      await delay(backoff.next(), undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      isDone = await work().then(
        () => true,
        () => false,
      );
    }
  }
}
