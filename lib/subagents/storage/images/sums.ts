import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, replaceFile } from '../../../files/atomic-files.js';
import { ALGORITHMS, type Digests } from '../../shared/download/digests.js';

/** Match the line of a sum, which its length identifies. */
const LINES = { sha256: /^[0-9a-f]{64}$/m, sha512: /^[0-9a-f]{128}$/m } as const;
/** Matches the line of a raw disk's size. */
const RAW = /^raw (\d+)$/m;

/** What is known of the file that an image was made from. */
export interface FileSums {
  digests: Digests;
  /**
   * Bytes of the file, if it was a raw disk on this host. The image has the same bytes, so missing sums can be calculated
   * later.
   */
  rawBytes?: number | undefined;
}

/** Stores the sums of the file that each image was made from, one file an image. */
export class Sums {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Creates the directory and removes the sums of all images but `ids`. */
  async open(ids: string[]): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const known = new Set(ids.map(encodeURIComponent));
    for (const name of await readdir(this.#dir))
      if (!known.has(name)) await rm(join(this.#dir, name), { force: true });
  }

  /** Returns the known sums: none when the image was cloned, and no sha512 when its fetch did not ask for one. */
  async find(id: string): Promise<FileSums> {
    const text = (await ifExists(readFile(this.#path(id), 'utf8'))) ?? '';
    const digests: Digests = Object.fromEntries(
      ALGORITHMS.flatMap((name) => {
        const sum = LINES[name].exec(text)?.[0];
        return sum === undefined ? [] : [[name, sum]];
      }),
    );
    const rawBytes = RAW.exec(text)?.[1];
    return { digests, ...(rawBytes === undefined ? {} : { rawBytes: Number(rawBytes) }) };
  }

  async set(id: string, { digests, rawBytes }: FileSums): Promise<void> {
    const lines = [...Object.values(digests), ...(rawBytes === undefined ? [] : [`raw ${rawBytes}`])];
    await replaceFile(this.#path(id), lines.map((line) => `${line}\n`).join(''));
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  #path(id: string): string {
    return join(this.#dir, encodeURIComponent(id));
  }
}
