import { chmod, rm, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type nedb from '@seald-io/nedb';
import Datastore from 'nedb-promises';
import { gate } from '../../async/gate.js';
import { errorMessage, isErrno } from '../../errors.js';
import { ifExists, OWNER_ONLY, sync } from '../../files/atomic-files.js';
import { repairTail } from '../../files/repair-tail.js';
import type { Change, StoredDocument } from './document.js';

/** Documented methods of NeDB that `Datastore.create` passes through, but the types of nedb-promises omit. */
type NedbDatastore = Datastore<StoredDocument> &
  Pick<nedb.default<StoredDocument>, 'compactDatafileAsync' | 'getAllData'>;

/** NeDB reads these as line separators, and JSON does not escape them. */
const escapeLineBreaks = (line: string): string =>
  line.replace(/[\u0085\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Lines that NeDB writes before other work gets its turn. */
const LINES_PER_TURN = 500;
/** Changes that NeDB applies at once. The cost of removing many documents is quadratic. */
const CHANGES_PER_TURN = 200;
const CHANGES_PER_SYNC = 5 * CHANGES_PER_TURN;

/** The types of nedb-promises also omit options: `modes`, and hooks that return a promise. */
const createDatastore = (
  filename: string,
  afterSerialization: (line: string) => string | Promise<string>,
): NedbDatastore => {
  const options: nedb.default.DataStoreOptions = {
    filename,
    corruptAlertThreshold: 0,
    afterSerialization,
    beforeDeserialization: (line) => line,
    modes: { fileMode: OWNER_ONLY, dirMode: 0o700 },
  };
  return Datastore.create(options as Parameters<typeof Datastore.create>[0]) as NedbDatastore;
};

/** The journal lacks what the file had when the journal was shortened, so a shorter file has lost documents. */
const requireSize = async (filename: string, minSize: number): Promise<void> => {
  const size = (await ifExists(stat(filename)))?.size;
  const advice = 'restore it from a backup, together with its journal';
  if (size === undefined) throw new Error(`${filename} is missing: ${advice}`);
  if (size < minSize)
    throw new Error(
      `${filename} is truncated: it must have at least ${minSize} bytes, got ${size}: ${advice}`,
    );
};

/**
 * A NeDB datastore and its file. NeDB rewrites the file whenever it has read it, which takes memory and needs room on
 * the disk; its `afterSerialization` hook delays that until there are changes to apply.
 */
export class NedbFile {
  readonly #filename: string;
  readonly #datastore: NedbDatastore;
  /** Settles when NeDB has rewritten the file. */
  readonly #loaded: Promise<unknown>;
  /** Lets NeDB rewrite the file; `undefined` once it may. */
  #release: (() => void) | undefined;

  private constructor(
    filename: string,
    {
      datastore,
      loaded,
      release,
    }: { datastore: NedbDatastore; loaded: Promise<unknown>; release: () => void },
  ) {
    this.#filename = filename;
    this.#datastore = datastore;
    this.#loaded = loaded;
    this.#release = release;
  }

  /**
   * Opens the file, or creates an empty one, and reads the documents.
   * @param minSize the bytes that its journal depends on; `undefined` when the file may be missing
   * @throws {Error} when it is missing, too short, or damaged beyond a torn last line
   */
  static async open(filename: string, { minSize }: { minSize: number | undefined }): Promise<NedbFile> {
    if (minSize !== undefined) await requireSize(filename, minSize);
    await rm(`${filename}~`, { force: true });
    await repairTail(filename);
    const [read, released] = [gate(), gate()];
    let written = 0;
    const datastore = createDatastore(filename, (line) => {
      const escaped = escapeLineBreaks(line);
      written += 1;
      if (written > 1) return written % LINES_PER_TURN === 0 ? nextTurn(escaped) : escaped;
      // NeDB begins to serialize the documents when it has read all of them.
      read.open();
      return released.opened.then(() => escaped);
    });
    const loaded = datastore.load();
    await Promise.race([read.opened, loaded]).catch((error: unknown) => {
      // Without documents NeDB rewrites the file at once, which may fail on a full disk. The agent can start anyway.
      if (isErrno(error, 'ENOSPC', 'EDQUOT')) return;
      throw new Error(`${filename} cannot be read, restore it from a backup: ${errorMessage(error)}`);
    });
    loaded.catch(() => {});
    await chmod(filename, OWNER_ONLY);
    return new NedbFile(filename, { datastore, loaded, release: released.open });
  }

  /** All documents, in no order: the objects that NeDB itself holds. */
  documents(): StoredDocument[] {
    return this.#datastore.getAllData();
  }

  /**
   * Makes changes; making one twice does no harm. They are on disk when this resolves.
   * @param compact whether to drop superseded lines from the file
   * @throws when NeDB's memory and its file may differ: open the file again
   */
  async apply(changes: readonly Change[], { compact }: { compact: boolean }): Promise<void> {
    const isCompact = this.#release !== undefined;
    this.#release?.();
    this.#release = undefined;
    try {
      await this.#loaded;
      await this.#makeChanges(changes);
      if (compact && !isCompact) await this.#datastore.compactDatafileAsync();
    } catch (error) {
      await rm(`${this.#filename}~`, { force: true });
      throw error;
    }
  }

  async #makeChanges(changes: readonly Change[]): Promise<void> {
    for (let start = 0; start < changes.length; start += CHANGES_PER_TURN) {
      const some = changes.slice(start, start + CHANGES_PER_TURN);
      await this.#datastore.remove({ _id: { $in: some.map(({ id }) => id) } }, { multi: true });
      await this.#datastore.insertMany(some.flatMap(({ document }) => document ?? []));
      // NeDB does not sync what it appends. This bounds what a power cut can damage.
      if (start % CHANGES_PER_SYNC === 0) await sync(this.#filename);
      await nextTurn();
    }
    await sync(this.#filename);
  }
}
