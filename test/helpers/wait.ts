import { setTimeout as delay } from 'node:timers/promises';

export { gate } from '../../lib/async/gate.js';

/**
 * Waits until `probe` returns a truthy value, and returns that.
 * @param what completes "timed out waiting until …"
 * @param ms milliseconds after which it throws
 */
export const until = async <T>(
  what: string,
  probe: () => T | Promise<T>,
  ms = 120_000,
): Promise<NonNullable<T>> => {
  const giveUpAt = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > giveUpAt) throw new Error(`timed out after ${ms} ms waiting until ${what}`);
    await delay(5);
  }
};
