import { rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ifExists } from '../../files/atomic-files.js';
import type { Change, StoredDocument } from './document.js';
import { Journal } from './journal.js';
import { requireJson } from './journal-lines.js';
import { NedbFile } from './nedb-file.js';
import { PendingChanges } from './pending-changes.js';

/** Changes in the journal, beyond the number of documents, after which NeDB takes them over. */
const CHECKPOINT_AFTER = 20_000;
/** Bytes after which NeDB takes over the journal, once it is also three times as large as the NeDB file. */
const CHECKPOINT_BYTES = 32 * 1024 * 1024;

/** A checkpoint that failed is tried again when the journal has grown by this factor. */
const RETRY_GROWTH = 1.25;

/** @throws {Error} when a NeDB file exists, but no journal. */
const requireNoNedbFile = async (nedbPath: string, path: string): Promise<void> => {
  if ((await ifExists(stat(nedbPath))) === undefined) return;
  throw new Error(`${path} is missing or empty, but belongs to ${nedbPath}: restore it from a backup`);
};

const nedbPathOf = (journalPath: string): string =>
  join(dirname(journalPath), `${basename(journalPath, '.db')}.nedb`);

interface ReadDocuments {
  /** What the journal has of them. */
  changes: Change[];
  /** The NeDB file, if the journal continues one. */
  nedb: NedbFile | undefined;
  /** In the order of their insertion. */
  documents: StoredDocument[];
}

/**
 * Reads the documents of a journal and of the NeDB file behind it.
 * @throws {Error} when a file is missing or damaged beyond a torn last line
 */
export const readDocuments = async (path: string): Promise<ReadDocuments> => {
  const { changes, continues, minSize } = await Journal.read(path);
  const nedbPath = nedbPathOf(path);
  if (continues === undefined && changes.length === 0) await requireNoNedbFile(nedbPath, path);
  const nedb = continues === undefined ? undefined : await NedbFile.open(nedbPath, { minSize });
  const documents = new Map(nedb?.documents().map((document) => [document._id, document]));
  for (const { id, document } of changes) {
    if (document) documents.set(id, document);
    else documents.delete(id);
  }
  for (const document of documents.values()) requireJson(document, path);
  return { changes, nedb, documents: [...documents.values()].sort((a, b) => a.order - b.order) };
};

/**
 * Documents on disk: a {@link Journal} in front, `guests.db` for example, and a NeDB file behind it, `guests.nedb`.
 *
 * NeDB does not sync its appends, keeps failed writes in memory, and appends to the torn line of a failed write. So a
 * change is acknowledged once it is in the journal. When the journal is long, a checkpoint applies the last change of
 * each document to NeDB, in batches. NeDB compacts and syncs its file. Then a short journal, which names that file in
 * its first line, replaces the long one. After a kill at any moment, the journal has every change that the NeDB file
 * may lack, and applying a change twice does no harm.
 */
export class DocumentFile {
  readonly #journal: Journal;
  readonly #nedbPath: string;
  readonly #checkpointAfter: number;
  readonly #pending = new PendingChanges();
  #nedb: NedbFile | undefined;
  /** Bytes of the NeDB file; `undefined` while the journal cannot refer to one. */
  #nedbSize: number | undefined;
  /** After a failed checkpoint, the size of the journal at which the next one is tried. */
  #retrySize = 0;
  /** The changes committed since the running checkpoint began. */
  #newer: Change[] | undefined;
  #checkpointing: Promise<void> | undefined;

  private constructor(
    journal: Journal,
    { nedbPath, checkpointAfter }: { nedbPath: string; checkpointAfter: number },
  ) {
    this.#journal = journal;
    this.#nedbPath = nedbPath;
    this.#checkpointAfter = checkpointAfter;
  }

  /**
   * Opens the files, or creates them, and reads the documents, in the order of their insertion. Checks the files
   * before it creates or repairs any.
   * @param checkpointAfter changes in the journal, beyond the number of documents, after which NeDB takes them over
   * @throws {Error} when a file is missing or damaged beyond a torn last line
   */
  static async open(
    path: string,
    checkpointAfter = CHECKPOINT_AFTER,
  ): Promise<{ file: DocumentFile; documents: StoredDocument[] }> {
    const { changes, nedb, documents } = await readDocuments(path);
    const nedbPath = nedbPathOf(path);
    const file = new DocumentFile(await Journal.open(path, changes.length), { nedbPath, checkpointAfter });
    for (const change of changes) file.#pending.note(change);
    if (nedb) {
      file.#nedb = nedb;
      file.#nedbSize = (await stat(nedbPath)).size;
    }
    // Left by a first checkpoint that did not finish: the journal has all of it.
    else await rm(nedbPath, { force: true });
    return { file, documents };
  }

  /**
   * Stores all the changes with one sync.
   * @param inOneLine whether a kill or a power cut must not separate them either
   * @throws when none of them was stored
   */
  commit(changes: readonly Change[], { inOneLine }: { inOneLine: boolean }): Promise<void> {
    return this.#journal.append(changes, { inOneLine }, () => {
      for (const change of changes) this.#pending.note(change);
      this.#newer?.push(...changes);
    });
  }

  /** Makes sure that nothing of a failed commit is left on disk. */
  clean(): Promise<void> {
    return this.#journal.clean();
  }

  /**
   * Starts a checkpoint when the journal has become long. Commits continue while it runs.
   * @param documents the number of documents
   */
  checkpointWhenDue(documents: number): void {
    const { lines, size } = this.#journal;
    // NeDB rewrites every document that its file has.
    const isLong = lines >= this.#checkpointAfter + (this.#nedbSize === undefined ? 0 : documents);
    const isLarge = size >= Math.max(CHECKPOINT_BYTES, 3 * (this.#nedbSize ?? 0));
    if ((isLong || isLarge) && size >= this.#retrySize) this.#checkpointing ??= this.#checkpoint();
  }

  /** Hands the changes to NeDB and closes the files. */
  async close(): Promise<void> {
    await this.#checkpointing;
    // The next start compacts.
    if (this.#pending.size > 0) await this.#checkpoint({ compact: false });
    await this.#journal.close();
  }

  /** Never rejects. When it fails, on a full disk for example, the journal stays as it is until the next attempt. */
  async #checkpoint({ compact } = { compact: true }): Promise<void> {
    const changes = this.#pending.take();
    const newer: Change[] = [];
    this.#newer = newer;
    const name = basename(this.#nedbPath);
    try {
      const isFirst = this.#nedbSize === undefined;
      if (!isFirst) await this.#journal.startCheckpoint(name);
      this.#nedb ??= await NedbFile.open(this.#nedbPath, { minSize: isFirst ? undefined : 0 });
      await this.#nedb.apply(changes, { compact });
      const { size } = await stat(this.#nedbPath);
      // NeDB empties a file without documents as soon as it opens it.
      const keptSize = this.#nedb.documents().length > 0 ? size : 0;
      // Set first: an error does not tell whether the journal has been replaced.
      this.#nedbSize = size;
      await this.#journal.shorten({ name, size: keptSize }, newer);
      this.#retrySize = 0;
    } catch {
      // NeDB's memory and its file may differ now, so the next checkpoint reads the file again.
      this.#nedb = undefined;
      this.#pending.putBack(changes);
      this.#retrySize = this.#journal.size * RETRY_GROWTH;
    } finally {
      this.#newer = undefined;
      this.#checkpointing = undefined;
    }
  }
}
