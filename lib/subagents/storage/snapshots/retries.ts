import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '../../../portable/backoff.js';

const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 10_000;

/** Retries in the background what could not be recovered of guests' snapshots, as on a full disk. */
export class Retries {
  readonly #guests = new Set<string>();
  readonly #closed = new AbortController();

  /** Runs `recover` again until it succeeds. Does nothing while it is being retried for that guest already. */
  start(guest: string, recover: () => Promise<void>): void {
    if (this.#guests.has(guest)) return;
    this.#guests.add(guest);
    void this.#retry(recover).finally(() => this.#guests.delete(guest));
  }

  close(): void {
    this.#closed.abort();
  }

  async #retry(recover: () => Promise<void>): Promise<void> {
    const { signal } = this.#closed;
    const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
    for (let isRecovered = false; !isRecovered; ) {
      await delay(backoff.next(), undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      isRecovered = await recover().then(
        () => true,
        () => false,
      );
    }
  }
}
