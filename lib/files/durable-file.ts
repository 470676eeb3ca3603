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

/** The bytes of a database file that are known to be whole and on disk. */
export class DurableFile {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #size = 0;
  #needsCutBack = false;
  /** Whether the file may not yet have its name on disk. */
  #isNew = true;
  /** Whether its size is not the one that is known. */
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

  /** Bytes, as of the last sync. */
  get size(): number {
    return this.#size;
  }

  /** Whether more may follow than what is known to be whole. */
  get needsCutBack(): boolean {
    return this.#needsCutBack;
  }

  /** Waits until what was appended is on disk: fdatasync(2). */
  async sync(): Promise<void> {
    await this.#syncName();
    await (await this.#open()).datasync();
  }

  /** Appends whole lines; they are on disk when it resolves. When it fails, what got there is to be cut off. */
  async append(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    const handle = await this.#open();
    await this.#syncName();
    await handle.appendFile(bytes);
    this.#size += bytes.length;
  }

  /** Notes that another file has taken its place: one that is whole, and on disk but for its name. */
  async reopen(): Promise<void> {
    this.#isNew = true;
    this.#needsCutBack = false;
    this.#isReplaced = true;
    await this.close();
    await this.#measure();
  }

  /** Must come before an append: a part of a line that an earlier one has left behind would spoil the next line. */
  async prepare(): Promise<void> {
    if (this.#isReplaced) await this.#measure();
    if (this.#needsCutBack) await this.cutBack();
  }

  /** Cuts off what came after the last sync. Works on a full disk; when it fails, it is for the next append to do. */
  async cutBack(): Promise<void> {
    this.#needsCutBack = true;
    await truncate(this.#path, this.#size);
    this.#needsCutBack = false;
  }

  /** Lets go of the file; what is done with it next opens it again. */
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
   * Kept open: to open a file for each write costs more than the write. What has lost its name is no longer our file.
   * O_DSYNC, open(2), makes each write a write and an fdatasync(2), in one trip to another thread and back.
   */
  async #open(): Promise<FileHandle> {
    // It looks at memory alone, and would wait longer for another thread.
    if (this.#handle && fstatSync(this.#handle.fd).nlink === 0) await this.close();
    this.#handle ??= await open(this.#path, constants.O_WRONLY | constants.O_APPEND | constants.O_DSYNC);
    return this.#handle;
  }
}
