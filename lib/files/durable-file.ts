import { constants, fstatSync } from 'node:fs';
import { type FileHandle, open, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';

const syncDirectory = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** An append-only file whose size after the last successful sync is known, so that a failed append can be undone. */
export class DurableFile {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #size = 0;
  #needsCutBack = false;
  /** Whether the file's name may not be on disk yet. */
  #isNew = true;
  /** Whether {@link size} is outdated. */
  #isReplaced = false;

  private constructor(path: string) {
    this.#path = path;
  }

  static async open(path: string): Promise<DurableFile> {
    const file = new DurableFile(path);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    file.#size = (await stat(path)).size;
    return file;
  }

  /** Bytes after the last successful append. */
  get size(): number {
    return this.#size;
  }

  /** Whether a failed append may have left bytes after the last synced one. */
  get needsCutBack(): boolean {
    return this.#needsCutBack;
  }

  /** Waits until the file is on disk, its name included: fdatasync(2). */
  async sync(): Promise<void> {
    await this.#syncName();
    await (await this.#open()).datasync();
  }

  /** Appends whole lines. They are on disk when this resolves; after a failure, call {@link cutBack}. */
  async append(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    const handle = await this.#open();
    await this.#syncName();
    await handle.appendFile(bytes);
    this.#size += bytes.length;
  }

  /** Switches to the file that was renamed onto this path: a complete one, on disk except for its new name. */
  async reopen(): Promise<void> {
    this.#isNew = true;
    this.#needsCutBack = false;
    this.#isReplaced = true;
    await this.close();
    await this.#measure();
  }

  /** Call before {@link append}: cuts off what a failed append left behind, which would spoil the next line. */
  async prepare(): Promise<void> {
    if (this.#isReplaced) await this.#measure();
    if (this.#needsCutBack) await this.cutBack();
  }

  /** Truncates the file to its last synced size. Works on a full disk; if it fails, {@link prepare} repeats it. */
  async cutBack(): Promise<void> {
    this.#needsCutBack = true;
    await truncate(this.#path, this.#size);
    this.#needsCutBack = false;
  }

  /** Closes the descriptor. The next operation opens the file again. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #measure(): Promise<void> {
    this.#size = (await stat(this.#path)).size;
    this.#isReplaced = false;
  }

  async #syncName(): Promise<void> {
    if (!this.#isNew) return;
    await syncDirectory(dirname(this.#path));
    this.#isNew = false;
  }

  /**
   * Returns the open descriptor, or opens the file: opening it for each write costs more than the write. A file that
   * was unlinked is opened again by its name. With O_DSYNC (open(2)), one trip to the thread pool both writes and
   * syncs.
   */
  async #open(): Promise<FileHandle> {
    // Synchronous: fstat(2) reads memory only, and a trip to the thread pool takes longer.
    if (this.#handle && fstatSync(this.#handle.fd).nlink === 0) await this.close();
    this.#handle ??= await open(this.#path, constants.O_WRONLY | constants.O_APPEND | constants.O_DSYNC);
    return this.#handle;
  }
}
