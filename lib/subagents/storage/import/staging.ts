import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { writeSparse } from '../../../files/sparse-file.js';
import { MANIFEST_NAME } from '../../../model/guest-export.js';
import { MB } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Claim } from '../../shared/disk/space.js';
import { detectCompression, MAGIC_BYTES, unpack } from '../../shared/download/compression.js';
import { peek } from '../../shared/download/peek.js';
import { isTar, TAR_HEADER_BYTES } from '../../shared/download/tar.js';
import { type TarEntry, tarEntries } from '../../shared/download/tar-entries.js';
import { checkUnpacked } from '../images/limits.js';

/** A file of an archive, as it was received. */
export interface StagedFile {
  name: string;
  path: string;
  /** Bytes. */
  size: number;
  sha256: string;
}

export interface StagingOptions {
  /** An empty directory for the files. */
  dir: string;
  claim: Claim;
  signal: AbortSignal;
}

type Bytes = AsyncGenerator<Buffer, void, undefined>;

/** More files than any archive of a guest has. */
const MAX_FILES = 100;
/** The largest file that is read into memory, such as a description. */
const MAX_TEXT_BYTES = 4 * MB;

const isOvf = (name: string): boolean => /^[^/]*\.ovf$/i.test(name);

/** Whether a file describes the guest of its archive, and thus comes first. */
const isDescription = (name: string): boolean => name === MANIFEST_NAME || isOvf(name);

const foreign = (): Refusal =>
  new Refusal(
    'invalid',
    'the file is no exported guest: give a file of `mistify guest export`, or an OVA, whose first file is its description',
  );

/** The refusal of a file that cannot be unpacked, whatever the program for that says. */
const damaged = (): Refusal =>
  new Refusal(
    'invalid',
    'the exported guest is cut off or damaged, and cannot be unpacked: copy the file again, or export the guest again',
  );

/** Passes bytes on, and counts them. */
async function* counted(bytes: AsyncIterable<Buffer>, count: (length: number) => void): Bytes {
  for await (const chunk of bytes) {
    count(chunk.length);
    yield chunk;
  }
}

/** Receives the files of an archive, compressed or not, in its order. */
export class Staging {
  readonly files: StagedFile[] = [];
  readonly #options: StagingOptions;

  constructor(options: StagingOptions) {
    this.#options = options;
  }

  get isOva(): boolean {
    return isOvf(this.files[0]?.name ?? '');
  }

  find(name: string): StagedFile | undefined {
    return this.files.find((file) => file.name === name);
  }

  /**
   * Receives all files. Nothing of their names reaches the file system.
   * @throws {Refusal} as soon as the bytes show that they are no exported guest, or do not fit
   */
  async receive(bytes: AsyncIterable<Buffer>): Promise<void> {
    const { signal } = this.#options;
    let [served, unpacked] = [0, 0];
    const { head, all } = await peek(
      counted(bytes, (length) => {
        served += length;
      }),
      MAGIC_BYTES,
    );
    const compression = detectCompression(head);
    const checked = (archive: AsyncIterable<Buffer>): Bytes =>
      counted(archive, (length) => {
        unpacked += length;
        checkUnpacked(unpacked, served);
      });
    const take = async (archive: AsyncIterable<Buffer>): Promise<void> => {
      const start = await peek(checked(archive), TAR_HEADER_BYTES);
      if (!isTar(start.head.subarray(0, TAR_HEADER_BYTES))) throw foreign();
      for await (const entry of tarEntries(start.all)) await this.#take(entry);
    };
    if (compression) await pipeline(all, unpack(compression, damaged), take, { signal });
    else await pipeline(all, take, { signal });
  }

  /** Reads a small file. @throws {Refusal} for a large one */
  async text({ name, path, size }: StagedFile): Promise<string> {
    if (size > MAX_TEXT_BYTES) throw new Refusal('invalid', `${name} is too large: ${size} bytes`);
    return readFile(path, 'utf8');
  }

  async #take({ name, size, bytes }: TarEntry): Promise<void> {
    const { dir, claim } = this.#options;
    if (this.files.length === 0 && !isDescription(name)) throw foreign();
    if (this.files.length >= MAX_FILES)
      throw new Refusal('invalid', `the archive has more than ${MAX_FILES} files`);
    if (this.find(name)) throw new Refusal('invalid', `the archive has two files ${name.slice(0, 200)}`);
    await claim.require(size);
    const path = join(dir, `${this.files.length}`);
    const hash = createHash('sha256');
    await writeSparse(hashing(bytes, hash), path);
    this.files.push({ name, path, size, sha256: hash.digest('hex') });
  }
}

async function* hashing(bytes: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): Bytes {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Calculates another sum of a file. */
export const sumOf = async ({ path }: StagedFile, algorithm: string): Promise<string> => {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path, { highWaterMark: MB })) hash.update(chunk);
  return hash.digest('hex');
};

/** Removes a file that is no longer needed, to make room. */
export const discard = async ({ path }: Pick<StagedFile, 'path'>): Promise<void> => rm(path, { force: true });
