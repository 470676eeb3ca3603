import { EventEmitter, once } from 'node:events';

/** A lock that many may share, or one may hold alone. Those that wait to hold it alone do not keep out the others. */
export class SharedLock {
  readonly #released = new EventEmitter().setMaxListeners(0);
  #sharers = 0;
  #isAlone = false;

  async shared<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    while (this.#isAlone) await once(this.#released, 'released', { signal });
    this.#sharers += 1;
    try {
      return await work();
    } finally {
      this.#sharers -= 1;
      this.#released.emit('released');
    }
  }

  async alone<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    while (this.#isAlone || this.#sharers > 0) await once(this.#released, 'released', { signal });
    this.#isAlone = true;
    try {
      return await work();
    } finally {
      this.#isAlone = false;
      this.#released.emit('released');
    }
  }
}
