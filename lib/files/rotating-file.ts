import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { repairTail } from './repair-tail.js';

const MAX_BYTES = 20 * 1024 * 1024;
const MAX_FILES = 10;

export interface RotatingFileOptions {
  directory: string;
  name: string;
  /** After how many it is set aside. */
  maxBytes?: number | undefined;
}

/** A file of lines, for its owner alone. When it is full it is set aside, and the newest of those are kept. */
export class RotatingFile {
  readonly #directory: string;
  readonly #name: string;
  readonly #path: string;
  readonly #maxBytes: number;
  #handle: FileHandle | undefined;
  #size = 0;

  constructor({ directory, name, maxBytes = MAX_BYTES }: RotatingFileOptions) {
    this.#directory = directory;
    this.#name = name;
    this.#path = join(directory, name);
    this.#maxBytes = maxBytes;
  }

  /** Appends all of these whole lines. When it fails it may be called again with them: what got there is cut off. */
  async append(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    try {
      const handle = await this.#withRoom();
      await handle.appendFile(bytes);
      this.#size += bytes.length;
    } catch (error) {
      await this.#cutBack().catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #withRoom(): Promise<FileHandle> {
    const handle = await this.#open();
    if (this.#size < this.#maxBytes) return handle;
    await this.close();
    await this.#setAside();
    return this.#open();
  }

  async #open(): Promise<FileHandle> {
    if (this.#handle) return this.#handle;
    await repairTail(this.#path);
    const handle = await open(this.#path, 'a', 0o600);
    this.#handle = handle;
    this.#size = (await handle.stat()).size;
    return handle;
  }

  /** Works on a full disk. What can be written no longer may be so when it is opened anew. */
  async #cutBack(): Promise<void> {
    await this.#handle?.truncate(this.#size);
    await this.close();
  }

  /** Under a name that sorts by time. */
  async #setAside(): Promise<void> {
    const time = new Date().toISOString().replaceAll(/[-:.]/g, '');
    await rename(this.#path, join(this.#directory, `${time}-${this.#name}`));
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith(`-${this.#name}`));
    const old = names.sort().slice(0, -MAX_FILES);
    await Promise.all(old.map((name) => rm(join(this.#directory, name), { force: true })));
  }
}
