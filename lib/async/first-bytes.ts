import type { Readable } from 'node:stream';

/** Resolves with the stream once it has bytes, rejects when it fails before. */
export const firstBytes = (stream: Readable): Promise<Readable> =>
  new Promise((resolve, reject) => {
    stream.once('readable', () => resolve(stream));
    // Stays, so that an error between here and the reader's own listener does not end the process.
    stream.on('error', reject);
  });
