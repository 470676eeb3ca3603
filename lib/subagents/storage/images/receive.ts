import { pipeline } from 'node:stream/promises';
import { writeSparse } from '../../../files/sparse-file.js';
import type { ImageFormat } from '../../../model/image-formats.js';
import { MB } from '../../../model/units.js';
import type { Claim } from '../../shared/disk/space.js';
import { detectCompression, MAGIC_BYTES, unpack } from '../../shared/download/compression.js';
import { Digester } from '../../shared/download/digester.js';
import type { Algorithm, Digests } from '../../shared/download/digests.js';
import { peek } from '../../shared/download/peek.js';
import type { Source } from '../../shared/download/source.js';
import { isTar, TAR_HEADER_BYTES, unpackTar } from '../../shared/download/tar.js';
import { detectHead } from '../image-format.js';
import { HEAD_BYTES } from '../raw-disk.js';
import { checkUnpacked } from './limits.js';

type Bytes = AsyncGenerator<Buffer, void, undefined>;

/** The free space is checked again after at most this many bytes. */
const MAX_CHECK_BYTES = 8 * MB;

/** Returns how many bytes may be written until the free space is checked again: a check for each MB slows a large file. */
const untilCheck = (written: number): number =>
  Math.min(MAX_CHECK_BYTES, Math.max(MB, Math.floor(written / 8)));

/** A completely received file. */
export interface Received {
  /** The sums of the bytes as served, before unpacking. */
  digests: Digests;
}

export interface ReceiveOptions {
  /** The file to write, unpacked. */
  path: string;
  claim: Claim;
  signal: AbortSignal;
  /** Receives the count of bytes served so far, and their total if known. */
  onBytes: (done: number, total: number | undefined) => void;
  /** The sums to calculate. */
  algorithms: Iterable<Algorithm>;
  /** The format that the file is said to have. */
  format?: ImageFormat | undefined;
  /** See `checkUnpacked`. */
  largeBytes?: number;
}

/** Splits large chunks, so that the checks run often enough. */
async function* inPieces(bytes: AsyncIterable<Buffer>): Bytes {
  for await (const chunk of bytes)
    for (let at = 0; at < chunk.length; at += MB) yield chunk.subarray(at, at + MB);
}

/** Closes a source that may not have been read to its end, without waiting for it. */
const closeSource = (bytes: Bytes): void => {
  bytes.return().catch(() => undefined);
};

/** The bytes received so far. */
interface Intake {
  size: number | undefined;
  /** Count of bytes as served, before unpacking. */
  served: number;
  digester: Digester;
}

async function* count(source: Source, intake: Intake, { onBytes }: ReceiveOptions): Bytes {
  onBytes(0, intake.size);
  for await (const chunk of source.bytes) {
    await intake.digester.update(chunk);
    intake.served += chunk.length;
    onBytes(intake.served, intake.size);
    yield chunk;
  }
}

/** Passes on bytes that may be written: they begin like a supported image, have a plausible size, and fit. */
async function* check(unpacked: AsyncIterable<Buffer>, intake: Intake, options: ReceiveOptions): Bytes {
  const { claim, format, largeBytes } = options;
  const pieces = inPieces(unpacked);
  try {
    const { head, all } = await peek(pieces, HEAD_BYTES);
    // A raw disk may turn out mostly empty. Other formats need room for a converted copy of the same size.
    const isConverted = detectHead(head.subarray(0, HEAD_BYTES), format) !== 'raw';
    let [written, checkAt] = [0, 0];
    for await (const piece of all) {
      checkUnpacked(written + piece.length, intake.served, largeBytes);
      if (written >= checkAt) {
        // At least the bytes written until the next check.
        const step = untilCheck(written);
        const rest = piece.length + Math.max(step, (intake.size ?? 0) - intake.served);
        await claim.require(isConverted ? written + 2 * rest : rest);
        checkAt = written + step;
      }
      written += piece.length;
      yield piece;
    }
  } finally {
    closeSource(pieces);
  }
}

/** Unpacks the only disk of a tar archive; passes on any other file. */
async function* unpackArchive(bytes: AsyncIterable<Buffer>): Bytes {
  const { head, all } = await peek(inPieces(bytes), TAR_HEADER_BYTES);
  yield* isTar(head) ? unpackTar(all) : all;
}

/**
 * Writes an image's bytes to a file as they arrive, unpacking them if they are compressed or in an archive.
 * @throws as soon as the bytes show that the image needs other files, has an implausible size, or does not fit
 */
export const receive = async (source: Source, options: ReceiveOptions): Promise<Received> => {
  const { path, signal, algorithms } = options;
  const intake: Intake = { size: source.size, served: 0, digester: new Digester(algorithms) };
  const checked = (bytes: AsyncIterable<Buffer>): Bytes => check(bytes, intake, options);
  const write = (bytes: AsyncIterable<Buffer>): Promise<number> => writeSparse(bytes, path);
  const bytes = count(source, intake, options);
  try {
    const { head, all } = await peek(bytes, MAGIC_BYTES);
    const compression = detectCompression(head);
    if (compression) await pipeline(all, unpack(compression), unpackArchive, checked, write, { signal });
    else await pipeline(all, unpackArchive, checked, write, { signal });
    return { digests: await intake.digester.digests() };
  } finally {
    closeSource(bytes);
    intake.digester.close();
  }
};
