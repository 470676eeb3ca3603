import type { FileHandle } from 'node:fs/promises';

/** What the tables of a snapshot of 1 TB take. */
const MAX_BYTES = 128 * 2 ** 20;
/** What a read counts for at least. */
const MIN_BYTES = 4096;

/** Reads parts of a file whose offsets and lengths come from the file itself. */
export class BoundedReader {
  readonly #file: FileHandle;
  #left = MAX_BYTES;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @throws {RangeError} when the file ends before, or too much of it has been read */
  async read(position: number, length: number): Promise<Buffer> {
    const bytes = await this.readUpTo(position, length);
    if (bytes.length < length) throw new RangeError(`the file ends ${length - bytes.length} bytes early`);
    return bytes;
  }

  /**
   * Returns fewer bytes where the file ends before.
   * @throws {RangeError} when too much of the file has been read
   */
  async readUpTo(position: number, length: number): Promise<Buffer> {
    this.#left -= Math.max(length, MIN_BYTES);
    if (this.#left < 0 || !Number.isSafeInteger(position))
      throw new RangeError(`${length} bytes at ${position} are too many`);
    const { buffer, bytesRead } = await this.#file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  }
}
