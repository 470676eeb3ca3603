import { open, stat, truncate } from 'node:fs/promises';

/** The bytes of a database file that are known to be whole and on disk. */
export class DurableFile {
  readonly #path: string;
  #size = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  static async of(path: string): Promise<DurableFile> {
    const file = new DurableFile(path);
    await file.sync();
    return file;
  }

  /** Bytes, as of the last sync. */
  get size(): number {
    return this.#size;
  }

  /** Waits until what was appended is on disk: fdatasync(2). */
  async sync(): Promise<void> {
    const handle = await open(this.#path, 'r+');
    try {
      await handle.datasync();
      this.#size = (await handle.stat()).size;
    } finally {
      await handle.close();
    }
  }

  /** Notes that the file was written anew, and synced, by somebody else. */
  async replaced(): Promise<void> {
    this.#size = (await stat(this.#path)).size;
  }

  /** Cuts off what came after the last sync: a part of a line would spoil the next one. Works on a full disk. */
  async cutBack(): Promise<void> {
    await truncate(this.#path, this.#size);
  }
}
