import { chmod, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import pLimit from 'p-limit';
import { ifExists, OWNER_ONLY } from '../../files/atomic-files.js';
import { DurableFile } from '../../files/durable-file.js';
import { repairTail } from '../../files/repair-tail.js';
import type { Change } from './document.js';
import {
  checkpointLine,
  formatLine,
  groupLine,
  headerLine,
  type JournalContent,
  linesOf,
  parseJournal,
} from './journal-lines.js';

/** Changes that are copied before other work gets its turn. */
const CHANGES_PER_TURN = 1000;

/** An append-only file of changes. A change that {@link append} resolves for survives a power cut. */
export class Journal {
  readonly #path: string;
  readonly #file: DurableFile;
  /** Appends, and the renames that replace the file, one at a time. */
  readonly #turns = pLimit(1);
  #lines: number;

  private constructor(path: string, file: DurableFile, lines: number) {
    this.#path = path;
    this.#file = file;
    this.#lines = lines;
  }

  /**
   * Reads a journal without its torn last line, and changes nothing. A missing file is an empty journal.
   * @throws {Error} when the content is damaged elsewhere
   */
  static async read(path: string): Promise<JournalContent> {
    return parseJournal((await ifExists(readFile(path))) ?? Buffer.alloc(0), path);
  }

  /**
   * Opens a journal, or creates an empty one. A torn last line is cut off.
   * @param lines the number of changes that {@link read} found
   */
  static async open(path: string, lines: number): Promise<Journal> {
    // Left by a killed agent; earlier versions used the second name.
    const unfinished = [`${path}.new`, `${path}.new~`];
    await Promise.all(unfinished.map((each) => rm(each, { force: true })));
    await (await open(path, 'a', OWNER_ONLY)).close();
    await chmod(path, OWNER_ONLY);
    await repairTail(path);
    return new Journal(path, await DurableFile.open(path), lines);
  }

  /** Bytes. */
  get size(): number {
    return this.#file.size;
  }

  /** Number of changes, superseded ones included. */
  get lines(): number {
    return this.#lines;
  }

  /**
   * Appends all the changes with one sync.
   * @param inOneLine whether a kill or a power cut must not separate them either
   * @param onAppended called in the same turn, before any other append
   * @throws when none of the changes was made; what reached the disk is cut off
   */
  append(
    changes: readonly Change[],
    { inOneLine }: { inOneLine: boolean },
    onAppended: () => void,
  ): Promise<void> {
    return this.#turns(async () => {
      const lines = inOneLine ? groupLine(changes) : linesOf(changes);
      await this.#append(this.#file.size === 0 ? `${formatLine()}${lines}` : lines);
      this.#lines += changes.length;
      onAppended();
    });
  }

  /**
   * Notes, before a checkpoint, that the NeDB file may become shorter than the first line says.
   * @param continues the name of the NeDB file
   */
  startCheckpoint(continues: string): Promise<void> {
    return this.#turns(() => this.#append(checkpointLine(continues)));
  }

  /** Makes sure that nothing of a failed append is left in the file. */
  clean(): Promise<void> {
    return this.#turns(async () => {
      if (!this.#file.needsCutBack) return;
      await this.#file.prepare();
      await this.#file.sync();
    });
  }

  /**
   * Replaces the file by a short one, now that a synced NeDB file has the older changes.
   * @param nedb the name of the NeDB file, and the bytes that it keeps until the next checkpoint
   * @param newer the changes that it lacks; may grow until the file is replaced
   */
  async shorten(nedb: { name: string; size: number }, newer: readonly Change[]): Promise<void> {
    const path = `${this.#path}.new`;
    try {
      await writeFile(path, headerLine(nedb.name, nedb.size), { mode: OWNER_ONLY });
      const copy = await DurableFile.open(path);
      try {
        let copied = 0;
        const copyMore = async (): Promise<void> => {
          const some = newer.slice(copied, copied + CHANGES_PER_TURN);
          await copy.append(linesOf(some));
          copied += some.length;
        };
        // Other appends continue until few changes are left to copy.
        while (newer.length - copied > CHANGES_PER_TURN) await copyMore();
        await this.#turns(async () => {
          while (copied < newer.length) await copyMore();
          await rename(path, this.#path);
          this.#lines = newer.length;
          await this.#file.reopen();
        });
      } finally {
        await copy.close();
      }
    } finally {
      await rm(path, { force: true });
    }
  }

  async close(): Promise<void> {
    // The next start finds what is left of a failed append, if it cannot be cut off now.
    await this.clean().catch(() => {});
    await this.#file.close();
  }

  async #append(lines: string): Promise<void> {
    await this.#file.prepare();
    try {
      await this.#file.append(lines);
    } catch (error) {
      await this.#file.cutBack().catch(() => {});
      throw error;
    }
  }
}
