import { createHash, type Hash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { MB } from '../../../model/units.js';
import { detectCompression, MAGIC_BYTES, unpack } from '../../shared/download/compression.js';
import { peek } from '../../shared/download/peek.js';
import type { Source } from '../../shared/download/source.js';
import { detectFormat, HEAD_BYTES } from '../image-format.js';
import { checkUnpacked } from './limits.js';
import type { Claim } from './space.js';
import { writeSparse } from './sparse-file.js';

type Bytes = AsyncGenerator<Buffer, void, undefined>;

/** The room is looked at again whenever so many bytes have been written. */
const CHECK_BYTES = MB;

/** A file that has come in whole. */
export interface Received {
  /** Of the bytes as they were served, in hex. */
  sha256: string;
}

export interface ReceiveOptions {
  /** Where it goes, unpacked. */
  path: string;
  claim: Claim;
  signal: AbortSignal;
  /** Told how many bytes have come as they were served, and of how many when that is known. */
  onBytes: (done: number, total: number | undefined) => void;
  /** See `checkUnpacked`. */
  largeBytes?: number;
}

/** Splits what comes in so that no check is put off for long. */
async function* inPieces(bytes: AsyncIterable<Buffer>): Bytes {
  for await (const chunk of bytes)
    for (let at = 0; at < chunk.length; at += CHECK_BYTES) yield chunk.subarray(at, at + CHECK_BYTES);
}

/** Closes what was perhaps not read to its end; nobody waits for a source that is slow even in that. */
const letGo = (bytes: Bytes): void => {
  bytes.return().catch(() => undefined);
};

/** What has come so far of a source. */
interface Intake {
  size: number | undefined;
  /** Bytes as they were served. */
  served: number;
  hash: Hash;
}

async function* count(source: Source, intake: Intake, { onBytes }: ReceiveOptions): Bytes {
  onBytes(0, intake.size);
  for await (const chunk of source.bytes) {
    intake.hash.update(chunk);
    intake.served += chunk.length;
    onBytes(intake.served, intake.size);
    yield chunk;
  }
}

/** Lets through what may be written: an image, as far as its head tells, of a size to be believed, that fits. */
async function* check(unpacked: AsyncIterable<Buffer>, intake: Intake, options: ReceiveOptions): Bytes {
  const { claim, largeBytes } = options;
  const pieces = inPieces(unpacked);
  try {
    const { head, all } = await peek(pieces, HEAD_BYTES);
    // A raw disk may turn out to be mostly empty. Of the others there will be a converted copy of the same size.
    const isConverted = detectFormat(head.subarray(0, HEAD_BYTES)) !== 'raw';
    let [written, checkAt] = [0, 0];
    for await (const piece of all) {
      checkUnpacked(written + piece.length, intake.served, largeBytes);
      if (written >= checkAt) {
        // At least what is written until the next time.
        const rest = piece.length + Math.max(CHECK_BYTES, (intake.size ?? 0) - intake.served);
        await claim.require(isConverted ? written + 2 * rest : rest);
        checkAt = written + CHECK_BYTES;
      }
      written += piece.length;
      yield piece;
    }
  } finally {
    letGo(pieces);
  }
}

/**
 * Writes an image's bytes to a file as they come, unpacked when they are compressed. What can be told of them is
 * checked on the way: that it is an image that is whole in itself, of a size to be believed, and that it fits.
 */
export const receive = async (source: Source, options: ReceiveOptions): Promise<Received> => {
  const { path, signal } = options;
  const intake: Intake = { size: source.size, served: 0, hash: createHash('sha256') };
  const checked = (bytes: AsyncIterable<Buffer>): Bytes => check(bytes, intake, options);
  const write = (bytes: AsyncIterable<Buffer>): Promise<number> => writeSparse(bytes, path);
  const bytes = count(source, intake, options);
  try {
    const { head, all } = await peek(bytes, MAGIC_BYTES);
    const compression = detectCompression(head);
    if (compression) await pipeline(all, unpack(compression), checked, write, { signal });
    else await pipeline(all, checked, write, { signal });
  } finally {
    letGo(bytes);
  }
  return { sha256: intake.hash.digest('hex') };
};
