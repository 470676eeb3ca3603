import { setTimeout as delay } from 'node:timers/promises';

/** Documents per removal, with a pause between two. */
const BATCH = 100;
const PAUSE_MS = 20;

/** Deletes expired documents in small batches so that other writes are not delayed. */
export class BackgroundEraser {
  readonly #remove: (...ids: string[]) => Promise<void>;
  readonly #ids: string[] = [];
  #erasing: Promise<void> | undefined;

  constructor(remove: (...ids: string[]) => Promise<void>) {
    this.#remove = remove;
  }

  add(id: string): void {
    this.#ids.push(id);
  }

  /**
   * Starts once a batch is full.
   * @param after milliseconds
   */
  start(after = 0): void {
    if (this.#ids.length >= BATCH) this.#erasing ??= this.#erase(after);
  }

  async #erase(after: number): Promise<void> {
    await delay(after, undefined, { ref: false });
    while (this.#ids.length >= BATCH) {
      // The next start of the agent finds and removes what this one cannot.
      await this.#remove(...this.#ids.splice(0, BATCH)).catch(() => {});
      await delay(PAUSE_MS, undefined, { ref: false });
    }
    this.#erasing = undefined;
  }
}
