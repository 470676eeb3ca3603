import type { Writable } from 'node:stream';

const EVENTS = ['drain', 'close', 'error'] as const;

/** Waits until a stream takes more, or never will. */
export const drained = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      for (const event of EVENTS) stream.off(event, done);
      resolve();
    };
    for (const event of EVENTS) stream.once(event, done);
  });
