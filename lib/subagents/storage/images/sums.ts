import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, replaceFile } from '../../../files/atomic-files.js';

const SUM = /^[0-9a-f]{64}$/m;

/** Stores the SHA-256 sum of the file that each image was made from, one file an image. */
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

  /** Returns the sum in hex; `undefined` when the image was cloned or its sum is unreadable. */
  async find(id: string): Promise<string | undefined> {
    const text = await ifExists(readFile(this.#path(id), 'utf8'));
    return SUM.exec(text ?? '')?.[0];
  }

  async set(id: string, sha256: string): Promise<void> {
    await replaceFile(this.#path(id), `${sha256}\n`);
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  #path(id: string): string {
    return join(this.#dir, encodeURIComponent(id));
  }
}
