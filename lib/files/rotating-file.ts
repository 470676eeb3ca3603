import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OWNER_ONLY } from './atomic-files.js';
import { repairTail } from './repair-tail.js';

const MAX_BYTES = 20 * 1024 * 1024;
const MAX_FILES = 10;

export interface RotatingFileOptions {
  directory: string;
  name: string;
  /** Size in bytes at which the file is rotated. */
  maxBytes?: number | undefined;
}

/** A log file that only its owner can read. A full file is renamed, and the newest renamed files are kept. */
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

  /** Appends whole lines, all or none: after a failure, call it again with the same lines. */
  async append(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    try {
      const handle = await this.#openWithRoom();
      // Other programs append to it, too.
      this.#size = (await handle.stat()).size;
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

  async #openWithRoom(): Promise<FileHandle> {
    const handle = await this.#open();
    if (this.#size < this.#maxBytes) return handle;
    await this.close();
    await this.#rotate();
    return this.#open();
  }

  async #open(): Promise<FileHandle> {
    if (this.#handle) return this.#handle;
    await repairTail(this.#path);
    const handle = await open(this.#path, 'a', OWNER_ONLY);
    this.#handle = handle;
    this.#size = (await handle.stat()).size;
    return handle;
  }

  /** Truncates the file to its last good size, which works on a full disk, and closes it: a new open may succeed. */
  async #cutBack(): Promise<void> {
    await this.#handle?.truncate(this.#size);
    await this.close();
  }

  /** Renames the file to a name that sorts by time, and removes the oldest ones. */
  async #rotate(): Promise<void> {
    const time = new Date().toISOString().replaceAll(/[-:.]/g, '');
    await rename(this.#path, join(this.#directory, `${time}-${this.#name}`));
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith(`-${this.#name}`));
    const old = names.sort().slice(0, -MAX_FILES);
    await Promise.all(old.map((name) => rm(join(this.#directory, name), { force: true })));
  }
}
