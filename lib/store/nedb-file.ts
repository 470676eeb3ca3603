import { chmod, rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Datastore from 'nedb-promises';
import { DurableFile } from './durable-file.js';
import { repairTail } from './repair-tail.js';

export interface StoredDocument {
  _id: string;
  /** Its place among the others: NeDB itself does not keep them in order. */
  order: number;
  /**
   * The JSON text of what it is: NeDB looks at each field that it knows of, again and again, copies it, and refuses names
   * with a dot or a leading `$`.
   */
  json: string;
}

/** What a write does to one document. */
export interface Change {
  id: string;
  /** As it is in the file; absent when it is not there. */
  before: StoredDocument | undefined;
  /** As it is to be; absent when it is to go. */
  after: StoredDocument | undefined;
}

/** What NeDB has and the types of nedb-promises do not: what they name instead is deprecated, or copies everything. */
interface Untyped {
  compactDatafileAsync(): Promise<void>;
  getAllData(): StoredDocument[];
  persistence: { persistCachedDatabaseAsync?: () => Promise<void> };
}

/** NeDB takes these for ends of lines when it reads a file, but JSON has them as they are. */
const escapeLineBreaks = (line: string): string =>
  line.replace(/[\u0085\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * What NeDB writes with. While it is not down, NeDB changes nothing but its memory, and the lines that it would have
 * written are noted: left to itself, it opens, writes and closes the file for each of them.
 */
interface Pen {
  isDown: boolean;
  lines: string[];
}

/** What keeps NeDB from writing. Always the same one: to make an error costs more than a line. */
const PEN_IS_UP = new Error('not to be written');

/** Guests' metadata may hold secrets. */
const FILE_MODE = 0o600;

/** While the file is written anew, others get their turn after so many lines. */
const LINES_A_TURN = 500;

/** NeDB writes a file anew whenever it has read it, which takes longer than to read it, and needs room on the disk. */
const readOnly = async (datastore: Datastore<StoredDocument>): Promise<void> => {
  const { persistence } = datastore as unknown as Untyped;
  persistence.persistCachedDatabaseAsync = async () => {};
  try {
    await datastore.load();
  } finally {
    // The class has it.
    delete persistence.persistCachedDatabaseAsync;
  }
};

/**
 * A NeDB file whose writes are on disk before they are acknowledged. NeDB alone never syncs; it keeps in memory
 * what it failed to write, and glues its next line onto what is left of a failed one.
 */
export class NedbFile {
  readonly #datastore: Datastore<StoredDocument>;
  readonly #file: DurableFile;
  readonly #filename: string;
  readonly #pen: Pen;
  /** Lines that were there when it was opened. */
  readonly linesRead: number;

  private constructor(
    datastore: Datastore<StoredDocument>,
    { pen, file, filename, linesRead }: { pen: Pen; file: DurableFile; filename: string; linesRead: number },
  ) {
    this.#datastore = datastore;
    this.#pen = pen;
    this.#file = file;
    this.#filename = filename;
    this.linesRead = linesRead;
  }

  /** @throws {Error} when the content is damaged beyond a torn last line */
  static async open(filename: string): Promise<NedbFile> {
    await repairTail(filename);
    const pen: Pen = { isDown: false, lines: [] };
    let written = 0;
    let linesRead = 0;
    const datastore = Datastore.create({
      filename,
      autoload: false,
      corruptAlertThreshold: 0,
      afterSerialization: (line: string) => {
        const escaped = escapeLineBreaks(line);
        if (!pen.isDown) {
          pen.lines.push(escaped);
          throw PEN_IS_UP;
        }
        written += 1;
        return written % LINES_A_TURN === 0 ? nextTurn(escaped) : escaped;
      },
      beforeDeserialization: (line: string) => {
        linesRead += 1;
        return line;
      },
      modes: { fileMode: FILE_MODE, dirMode: 0o700 },
    } as Parameters<typeof Datastore.create>[0]) as Datastore<StoredDocument>;
    await readOnly(datastore);
    await chmod(filename, FILE_MODE);
    return new NedbFile(datastore, { pen, file: await DurableFile.of(filename), filename, linesRead });
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#file.size;
  }

  /** The very documents that NeDB has, which it replaces and never changes. */
  documents(): StoredDocument[] {
    return (this.#datastore as unknown as Untyped).getAllData();
  }

  /** Writes all the changes at once, with one sync; when that fails, none was made, in memory or in the file. */
  async commit(changes: readonly Change[]): Promise<void> {
    await this.#file.makeReady();
    try {
      await this.#file.append(await this.#apply(changes));
    } catch (error) {
      await this.#undo(changes);
      throw error;
    }
  }

  /** Makes sure that nothing of a write that failed is left in the file. */
  async clean(): Promise<void> {
    if (!this.#file.hasRest) return;
    await this.#file.makeReady();
    await this.#file.sync();
  }

  /** Writes the file anew, without what is superseded. When there is no room for it, it stays as it is. */
  async compact(): Promise<void> {
    await this.#file.makeReady();
    this.#pen.isDown = true;
    try {
      await (this.#datastore as unknown as Untyped).compactDatafileAsync();
    } catch (error) {
      // The last step of it may have failed alone, with the new file already in place of the old one.
      await this.#file.replaced({ named: false });
      await rm(`${this.#filename}~`, { force: true });
      throw error;
    } finally {
      this.#pen.isDown = false;
    }
    await this.#file.replaced({ named: true });
  }

  /** Lets go of the file. */
  close(): Promise<void> {
    return this.#file.close();
  }

  /**
   * Has NeDB make the changes in its memory.
   * @returns the lines that make them in the file
   */
  async #apply(changes: readonly Change[]): Promise<string> {
    this.#pen.lines = [];
    for (const { id, before, after } of changes) {
      if (before && after) await this.#inMemory(this.#datastore.update({ _id: id }, after));
      else if (after) await this.#inMemory(this.#datastore.insert(after));
      else await this.#inMemory(this.#datastore.remove({ _id: id }, {}));
    }
    return this.#pen.lines.map((line) => `${line}\n`).join('');
  }

  async #undo(changes: readonly Change[]): Promise<void> {
    for (const { id, before } of changes) {
      const undone = before
        ? this.#datastore.update({ _id: id }, before, { upsert: true })
        : this.#datastore.remove({ _id: id }, {});
      await undone.catch(() => {});
    }
    await this.#file.cutBack().catch(() => {});
  }

  /** NeDB changes its memory before its file, so that what is not to be written has been done in memory. */
  async #inMemory(change: Promise<unknown>): Promise<void> {
    await change.catch((error: unknown) => {
      if (error !== PEN_IS_UP) throw error;
    });
  }
}
