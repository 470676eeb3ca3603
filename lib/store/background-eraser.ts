import { setTimeout as delay } from 'node:timers/promises';

/** Documents that are removed at a time, with a pause between. */
const BATCH = 100;
const PAUSE_MS = 20;

/** Removes documents that nobody misses any more bit by bit, so that it holds up nobody. */
export class Eraser {
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
   * Begins once there are enough of them.
   * @param after milliseconds
   */
  begin(after = 0): void {
    if (this.#ids.length >= BATCH) this.#erasing ??= this.#erase(after);
  }

  async #erase(after: number): Promise<void> {
    await delay(after, undefined, { ref: false });
    while (this.#ids.length >= BATCH) {
      // What cannot be removed now is found again at the next start.
      await this.#remove(...this.#ids.splice(0, BATCH)).catch(() => {});
      await delay(PAUSE_MS, undefined, { ref: false });
    }
    this.#erasing = undefined;
  }
}
