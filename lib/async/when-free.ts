import type { LimitFunction } from 'p-limit';

/**
 * Runs work once a limit has room. The signal ends the wait alone: work that has begun handles it by itself.
 * @throws the signal's reason when it aborts before the work begins
 */
export const whenFree = <T>(limit: LimitFunction, signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    void limit(async () => {
      if (signal.aborted) return;
      signal.removeEventListener('abort', onAbort);
      await work().then(resolve, reject);
    });
  });
