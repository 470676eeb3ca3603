import { setTimeout as delay } from 'node:timers/promises';

/** A promise with its switch: what waits for `opened` goes on when `open` is called. */
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
 * Waits until `probe` gives something that counts as true, and gives that back.
 * @param ms milliseconds after which it is an error
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
    if (Date.now() > giveUpAt) throw new Error(`waited ${ms} ms in vain until ${what}`);
    await delay(5);
  }
};
