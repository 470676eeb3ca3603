import type { Readable } from 'node:stream';

/** Resolves with the stream once it has bytes; rejects when it fails before that. */
export const firstBytes = (stream: Readable): Promise<Readable> =>
  new Promise((resolve, reject) => {
    stream.once('readable', () => resolve(stream));
    // Never removed: an error before the reader adds its own listener would end the process.
    stream.on('error', reject);
  });
