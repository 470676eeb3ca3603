import { pipeline, type Readable, Transform } from 'node:stream';
import { STREAM_BUFFER_BYTES } from '../../http/stream-buffer.js';
import type { DiskPart } from './disk-download.js';

/** Bytes, and their number where it is known before they arrive. */
export interface ByteStream {
  bytes: Readable;
  length?: number | undefined;
  /** What they are of a disk, if they are of one. */
  part?: DiskPart | undefined;
}

/**
 * Passes bytes on and fails when their number differs from the one that was announced: a receiver would otherwise wait
 * for the missing ones. The last chunk comes only after `bytes` has ended, so a receiver that has them all can rely on
 * the end.
 * @param length bytes
 */
export const exactly = (bytes: Readable, length: number): Readable => {
  let missing = length;
  let last: Buffer | undefined;
  const counted = new Transform({
    highWaterMark: STREAM_BUFFER_BYTES,
    transform(chunk: Buffer, _encoding, done) {
      missing -= chunk.length;
      if (missing < 0) return done(new Error(`more bytes than the ${length} that were announced`));
      if (missing > 0) return done(null, chunk);
      if (chunk.length > 0) last = chunk;
      done();
    },
    flush(done) {
      if (missing === 0) done(null, last);
      else done(new Error(`${length - missing} bytes instead of the ${length} that were announced`));
    },
  });
  // Errors of `bytes` surface on `counted`.
  return pipeline(bytes, counted, () => {});
};
