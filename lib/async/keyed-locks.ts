import pLimit, { type LimitFunction } from 'p-limit';

/** One at a time for each key, in the order asked. */
export class Locks {
  readonly #limits = new Map<string, LimitFunction>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const limit = this.#limits.get(key) ?? pLimit(1);
    this.#limits.set(key, limit);
    try {
      return await limit(work);
    } finally {
      if (limit.activeCount === 0 && limit.pendingCount === 0) this.#limits.delete(key);
    }
  }

  /** Holds all `keys` at once. They are taken in one order everywhere, so that no two callers block each other. */
  async runAll<T>(keys: Iterable<string>, work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = [...new Set(keys)].sort();
    if (first === undefined) return work();
    return this.run(first, () => this.runAll(rest, work));
  }
}

export const guestKey = (guest: string): string => `guest ${guest}`;
/** After a guest's in the order of keys: whoever holds an image may not ask for a guest. */
export const imageKey = (image: string): string => `image ${image}`;
