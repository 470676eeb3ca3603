import pLimit, { type LimitFunction } from 'p-limit';

/** Runs work one at a time per key, in the order of the calls. */
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

  /** Whether work runs or waits under a key. */
  has(key: string): boolean {
    return this.#limits.has(key);
  }

  /** Runs work while it holds all `keys`. Sorting them rules out deadlocks between callers. */
  async runAll<T>(keys: Iterable<string>, work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = [...new Set(keys)].sort();
    if (first === undefined) return work();
    return this.run(first, () => this.runAll(rest, work));
  }
}

export const guestKey = (guest: string): string => `guest ${guest}`;
/** Sorts after `guestKey`, so a holder of an image's lock must not take a guest's. */
export const imageKey = (image: string): string => `image ${image}`;
