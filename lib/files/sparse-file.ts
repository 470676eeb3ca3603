import { type FileHandle, open } from 'node:fs/promises';
import { isZero } from './zeros.js';

/** The granularity of holes, in bytes. */
const PIECE_BYTES = 64 * 1024;
/** Bytes that are written at once: a call for each chunk of a socket would take longer than the writing. */
const BLOCK_BYTES = 16 * PIECE_BYTES;

const writeAll = async (file: FileHandle, bytes: Buffer, position: number): Promise<void> => {
  let written = 0;
  while (written < bytes.length) {
    const rest = bytes.length - written;
    written += (await file.write(bytes, written, rest, position + written)).bytesWritten;
  }
};

/** Yields the ranges of a block that have data, in whole pieces. */
function* dataIn(block: Buffer): Generator<readonly [start: number, end: number]> {
  let start: number | undefined;
  for (let at = 0; at < block.length; at += PIECE_BYTES)
    if (!isZero(block.subarray(at, at + PIECE_BYTES))) start ??= at;
    else if (start !== undefined) {
      yield [start, at];
      start = undefined;
    }
  if (start !== undefined) yield [start, block.length];
}

/** Writes a file from a position to its end, with holes in place of zeros, since disks are mostly empty. */
export class SparseWriter {
  readonly #file: FileHandle;
  /** One is filled while the other is written. */
  #filling = Buffer.allocUnsafe(BLOCK_BYTES);
  #writing = Buffer.allocUnsafe(BLOCK_BYTES);
  #held = 0;
  #position: number;
  #written: Promise<void> = Promise.resolve();

  /** @param position where the file ends so far */
  constructor(file: FileHandle, position = 0) {
    this.#file = file;
    this.#position = position;
  }

  /** Appends bytes, which may be reused once this resolves. */
  async write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const copied = bytes.copy(this.#filling, this.#held, at);
      this.#held += copied;
      at += copied;
      if (this.#held === BLOCK_BYTES) await this.#flush();
    }
  }

  /**
   * Writes what is left, and makes the file as long as all of its bytes.
   * @returns that length
   */
  async end(): Promise<number> {
    await this.#flush();
    await this.#written;
    await this.#file.truncate(this.#position);
    return this.#position;
  }

  async #flush(): Promise<void> {
    await this.#written;
    const [block, position] = [this.#filling.subarray(0, this.#held), this.#position];
    [this.#filling, this.#writing] = [this.#writing, this.#filling];
    this.#position += this.#held;
    this.#held = 0;
    this.#written = this.#writeData(block, position);
    // The next call reports it.
    this.#written.catch(() => undefined);
  }

  async #writeData(block: Buffer, position: number): Promise<void> {
    for (const [start, end] of dataIn(block))
      await writeAll(this.#file, block.subarray(start, end), position + start);
  }
}

/**
 * Writes a file with holes in place of zeros. Truncates an existing file.
 * @param mode of a new file; by default only its owner may read it
 * @returns the size in bytes
 */
export const writeSparse = async (
  bytes: AsyncIterable<Buffer>,
  path: string,
  mode = 0o600,
): Promise<number> => {
  const file = await open(path, 'w', mode);
  try {
    const writer = new SparseWriter(file);
    for await (const chunk of bytes) await writer.write(chunk);
    return await writer.end();
  } finally {
    await file.close();
  }
};
