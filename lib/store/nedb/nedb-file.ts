import { chmod, rename, rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Datastore from 'nedb-promises';
import pLimit from 'p-limit';
import { DurableFile } from '../../files/durable-file.js';
import { repairTail } from '../../files/repair-tail.js';
import type { Change, StoredDocument } from './document.js';
import { UntoldChanges } from './pending-changes.js';

/** What NeDB has and the types of nedb-promises do not: what they name instead is deprecated, or copies everything. */
interface Untyped {
  compactDatafileAsync(): Promise<void>;
  getAllData(): StoredDocument[];
  persistence: {
    filename: string;
    persistCachedDatabaseAsync?: () => Promise<void>;
    persistNewStateAsync(documents: readonly object[]): Promise<void>;
  };
}

/** NeDB takes these for ends of lines when it reads a file, but JSON has them as they are. */
const escapeLineBreaks = (line: string): string =>
  line.replace(/[\u0085\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A change as NeDB has it in its files, where a later line goes before an earlier one. */
const lineOf = ({ id, document }: Change): string =>
  `${escapeLineBreaks(JSON.stringify(document ?? { $$deleted: true, _id: id }))}\n`;

const linesOf = (changes: readonly Change[]): string => changes.map(lineOf).join('');

/** Guests' metadata may hold secrets. */
const FILE_MODE = 0o600;

/** While the file is written anew, others get their turn after so many lines. */
const LINES_A_TURN = 500;
/** So are changes told to NeDB, which compares each document that is to go with all that are. */
const CHANGES_A_TURN = 100;

/** Where the file is written anew. */
const copyOf = (filename: string): string => `${filename}.new`;

/** A copy that was not finished is of no use. NeDB, too, writes another file first. */
const removeCopy = async (filename: string): Promise<void> => {
  await rm(copyOf(filename), { force: true });
  await rm(`${copyOf(filename)}~`, { force: true });
};

/**
 * Reads the file, and has NeDB leave it alone from then on. It would open, write and close the file for each change; and
 * write it anew whenever it has read it, which takes longer than to read it, and needs room.
 */
const loadOnce = async (datastore: Datastore<StoredDocument>): Promise<void> => {
  const { persistence } = datastore as unknown as Untyped;
  persistence.persistNewStateAsync = async () => {};
  persistence.persistCachedDatabaseAsync = async () => {};
  try {
    await datastore.load();
    persistence.filename = copyOf(persistence.filename);
  } finally {
    // The class has it.
    delete persistence.persistCachedDatabaseAsync;
  }
};

/**
 * A NeDB file whose writes are on disk before they are acknowledged. NeDB alone never syncs; it keeps in memory
 * what it failed to write, and glues its next line onto what is left of a failed one. So changes are appended here, and
 * NeDB is told of them when it is to write the file anew: most documents have been changed again, or are gone, by then.
 */
export class NedbFile {
  readonly #datastore: Datastore<StoredDocument>;
  readonly #file: DurableFile;
  readonly #filename: string;
  readonly #untold = new UntoldChanges();
  /** A write to the file, or another one that takes its place. */
  readonly #turns = pLimit(1);
  /** The changes that a copy which is being written does not have. */
  #missing: Change[] | undefined;
  /** Lines that were there when it was opened. */
  readonly linesRead: number;

  private constructor(
    datastore: Datastore<StoredDocument>,
    { file, filename, linesRead }: { file: DurableFile; filename: string; linesRead: number },
  ) {
    this.#datastore = datastore;
    this.#file = file;
    this.#filename = filename;
    this.linesRead = linesRead;
  }

  /** @throws {Error} when the content is damaged beyond a torn last line */
  static async open(filename: string): Promise<NedbFile> {
    await removeCopy(filename);
    await repairTail(filename);
    let written = 0;
    let linesRead = 0;
    const datastore = Datastore.create({
      filename,
      autoload: false,
      corruptAlertThreshold: 0,
      afterSerialization: (line: string) => {
        const escaped = escapeLineBreaks(line);
        written += 1;
        return written % LINES_A_TURN === 0 ? nextTurn(escaped) : escaped;
      },
      beforeDeserialization: (line: string) => {
        linesRead += 1;
        return line;
      },
      modes: { fileMode: FILE_MODE, dirMode: 0o700 },
    } as Parameters<typeof Datastore.create>[0]) as Datastore<StoredDocument>;
    await loadOnce(datastore);
    await chmod(filename, FILE_MODE);
    return new NedbFile(datastore, { file: await DurableFile.of(filename), filename, linesRead });
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#file.size;
  }

  /** Those that the file had when it was opened: the very ones that NeDB has, which it replaces and never changes. */
  documents(): StoredDocument[] {
    return (this.#datastore as unknown as Untyped).getAllData();
  }

  /** Writes all the changes at once, with one sync; when that fails, none was made, in memory or in the file. */
  commit(changes: readonly Change[]): Promise<void> {
    return this.#turns(async () => {
      await this.#file.makeReady();
      try {
        await this.#file.append(linesOf(changes));
      } catch (error) {
        await this.#file.cutBack().catch(() => {});
        throw error;
      }
      for (const change of changes) this.#untold.note(change);
      this.#missing?.push(...changes);
    });
  }

  /** Makes sure that nothing of a write that failed is left in the file. */
  clean(): Promise<void> {
    return this.#turns(async () => {
      if (!this.#file.hasRest) return;
      await this.#file.makeReady();
      await this.#file.sync();
    });
  }

  /**
   * Writes the file anew, without what is superseded, while changes are written to the old one. When there is no room for
   * it, that one stays. Once at a time.
   */
  async compact(): Promise<void> {
    const missing: Change[] = [];
    this.#missing = missing;
    try {
      await this.#tell();
      await (this.#datastore as unknown as Untyped).compactDatafileAsync();
      const copy = await DurableFile.of(copyOf(this.#filename));
      try {
        // Most of them, and only the few that come meanwhile hold up those who write.
        await copy.append(linesOf(missing.splice(0)));
        await this.#turns(() => this.#replaceBy(copy, missing));
      } finally {
        await copy.close();
      }
    } finally {
      this.#missing = undefined;
      await removeCopy(this.#filename);
    }
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    // When that cannot be done, what is left of a failed write is what the next start finds.
    await this.clean().catch(() => {});
    await this.#file.close();
  }

  async #replaceBy(copy: DurableFile, missing: readonly Change[]): Promise<void> {
    await copy.append(linesOf(missing));
    await rename(copyOf(this.#filename), this.#filename);
    await this.#file.replaced();
  }

  /** Has NeDB make the changes in its memory, many with a call: each takes longer than its changes. */
  async #tell(): Promise<void> {
    const changes = this.#untold.take();
    try {
      while (changes.length > 0) {
        const some = changes.slice(0, CHANGES_A_TURN);
        const superseded = some.filter(({ isStored }) => isStored).map(({ id }) => id);
        await this.#datastore.remove({ _id: { $in: superseded } }, { multi: true });
        await this.#datastore.insertMany(some.flatMap(({ document }) => document ?? []));
        changes.splice(0, some.length);
        await nextTurn();
      }
    } finally {
      // What NeDB was not told of would be missing from the next file that it writes.
      this.#untold.putBack(changes);
    }
  }
}
