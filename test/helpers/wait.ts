import { setTimeout as delay } from 'node:timers/promises';

/** A promise with its switch: `open` resolves `opened`. */
export interface Gate {
  opened: Promise<void>;
  open: () => void;
}

export const gate = (): Gate => {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
};

/**
 * Waits until `probe` returns a truthy value, and returns that.
 * @param what completes "timed out waiting until …"
 * @param ms milliseconds after which it throws
 */
export const until = async <T>(
  what: string,
  probe: () => T | Promise<T>,
  ms = 30_000,
): Promise<NonNullable<T>> => {
  const giveUpAt = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > giveUpAt) throw new Error(`timed out after ${ms} ms waiting until ${what}`);
    await delay(5);
  }
};
