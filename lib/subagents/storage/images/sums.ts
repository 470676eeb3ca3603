import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, replaceFile } from '../../../files/atomic-files.js';

const SUM = /^[0-9a-f]{64}$/m;

/** Remembers the SHA-256 sums of the files that images were made of, in a file each. */
export class Sums {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Forgets those of images that are not there. */
  async open(ids: string[]): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const known = new Set(ids.map(encodeURIComponent));
    for (const name of await readdir(this.#dir))
      if (!known.has(name)) await rm(join(this.#dir, name), { force: true });
  }

  /** In hex; `undefined` for an image that was not made of a file, or whose sum cannot be read. */
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
