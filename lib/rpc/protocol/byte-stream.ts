import { pipeline, type Readable, Transform } from 'node:stream';
import { STREAM_BUFFER_BYTES } from '../../http/stream-buffer.js';

/** Bytes, and how many there are, where that is known before they have come. */
export interface ByteStream {
  bytes: Readable;
  length?: number | undefined;
}

/**
 * The same bytes; an error when they are not as many as was said, for which whoever was told of more would wait. Who has
 * them all takes the stream for ended: the last ones come only when it has.
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
      else done(new Error(`${length - missing} bytes, not the ${length} that were announced`));
    },
  });
  // Its error is that of `counted`.
  return pipeline(bytes, counted, () => {});
};
