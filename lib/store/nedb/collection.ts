import { setImmediate as endOfTurn } from 'node:timers/promises';
import { AgentError, storageFailed } from '../../errors.js';
import type { Change, StoredDocument } from './document.js';
import { NedbFile } from './nedb-file.js';

interface Entry<Value> {
  document: StoredDocument;
  value: Value;
}

/** Appended lines, beyond those for live documents, after which the file is written anew. */
const COMPACT_AFTER = 20_000;
/** Few lines may be long ones: a file that has grown to this, and to four times what it was, is written anew too. */
const COMPACT_BYTES = 32 * 1024 * 1024;
/** Writes that share one sync, at most. */
const MAX_BATCH = 500;

/** A write that waits for its turn: what the document is to be, `undefined` for gone, `current` for unchanged. */
interface Write<Value> {
  id: string;
  change: (current: Value | undefined) => Value | undefined;
  resolve: () => void;
  reject: (error: Error) => void;
}

const decode = <Value>({ _id, json }: StoredDocument, filename: string): Value => {
  if (typeof json === 'string') return JSON.parse(json) as Value;
  const advice = 'use the agent that wrote it, or another dbpath';
  throw new Error(`${filename}: ${_id} has no JSON text: another version of the agent wrote it: ${advice}`);
};

/**
 * Documents by id in a NeDB file, in the order they were inserted in. Reads come from memory and give the very
 * object that is stored: treat it as frozen. A write is on disk before it is seen or acknowledged; those that come
 * at the same time share a sync. One that fails changed nothing.
 */
export class Collection<Value> {
  readonly #file: NedbFile;
  readonly #compactAfter: number;
  readonly #entries: Map<string, Entry<Value>>;
  #waiting: Write<Value>[] = [];
  #writing: Promise<void> | undefined;
  #compacting: Promise<void> | undefined;
  #closed = false;
  #lastOrder = 0;
  /** Lines of the file beyond those that it had, or would have had, when it was written anew. */
  #appended: number;
  /** Its bytes then. */
  #compactedSize: number;

  private constructor(file: NedbFile, entries: Iterable<[string, Entry<Value>]>, compactAfter: number) {
    this.#file = file;
    this.#entries = new Map(entries);
    this.#compactAfter = compactAfter;
    this.#appended = file.linesRead - this.#entries.size;
    this.#compactedSize = (file.size * this.#entries.size) / Math.max(1, file.linesRead);
    for (const { document } of this.#entries.values()) this.#lastOrder = document.order;
  }

  /**
   * Opens the file, which is made when it is not there. On a full disk it can be read; writes fail until there
   * is room.
   * @throws {Error} when its content is damaged beyond a torn last line, or of another version of the agent
   */
  static async open<Value>(filename: string, compactAfter = COMPACT_AFTER): Promise<Collection<Value>> {
    const file = await NedbFile.open(filename);
    const documents = file.documents().sort((a, b) => a.order - b.order);
    const entries = documents.map((document): [string, Entry<Value>] => [
      document._id,
      { document, value: decode(document, filename) },
    ]);
    return new Collection(file, entries, compactAfter);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(id: string): Value | undefined {
    return this.#entries.get(id)?.value;
  }

  /** Where a document is among the others: the later it was inserted, the higher. */
  orderOf(id: string): number | undefined {
    return this.#entries.get(id)?.document.order;
  }

  values(): Value[] {
    return Array.from(this.#entries.values(), ({ value }) => value);
  }

  entries(): [string, Value][] {
    return Array.from(this.#entries, ([id, { value }]) => [id, value]);
  }

  /** Stores a new document; false, and nothing stored, when its id is taken. */
  async insert(id: string, value: Value): Promise<boolean> {
    let inserted = false;
    await this.#write(id, (current) => {
      inserted = current === undefined;
      return current ?? value;
    });
    return inserted;
  }

  put(id: string, value: Value): Promise<void> {
    return this.#write(id, () => value);
  }

  /**
   * Replaces a document by what `change` makes of it; no other write to it comes between.
   * @returns what is stored afterwards; `undefined` when there is no such document
   */
  async update(id: string, change: (current: Value) => Value): Promise<Value | undefined> {
    let next: Value | undefined;
    await this.#write(id, (current) => {
      next = current === undefined ? undefined : change(current);
      return next;
    });
    return next;
  }

  /** Removes documents; those that are not there are passed over. */
  async remove(...ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#write(id, () => undefined)));
  }

  /** Takes no more writes; resolves when those that were taken are on disk. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    await this.#compacting;
    await this.#file.close();
  }

  #write(id: string, change: Write<Value>['change']): Promise<void> {
    if (this.#closed) return Promise.reject(new AgentError('unavailable', 'the agent has stopped'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, change, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What is asked for in this turn of the event loop, by however many requests, shares a sync.
      await endOfTurn();
      await this.#writeBatch(this.#waiting.splice(0, MAX_BATCH));
    }
    // In the same turn as the last look at what waits: nothing can come between.
    this.#writing = undefined;
  }

  async #writeBatch(batch: readonly Write<Value>[]): Promise<void> {
    const drafts = new Map<string, Entry<Value> | undefined>();
    const drafted = batch.filter((write) => this.#draft(drafts, write));
    const changes = [...drafts].flatMap(([id, entry]): Change[] => {
      const before = this.#entries.get(id);
      return before === entry ? [] : [{ id, isStored: before !== undefined, document: entry?.document }];
    });
    try {
      if (changes.length > 0) await this.#file.commit(changes);
      // That there is nothing to change is a promise too, which what a failed write has left behind could break.
      else await this.#file.clean();
    } catch (error) {
      for (const { reject } of drafted) reject(storageFailed(error));
      return;
    }
    for (const [id, entry] of drafts) {
      // What was removed and inserted again comes after the others.
      if (this.#entries.get(id)?.document.order !== entry?.document.order) this.#entries.delete(id);
      if (entry) this.#entries.set(id, entry);
    }
    for (const { resolve } of drafted) resolve();
    this.#compactWhenDue(changes.length);
  }

  /** Works out what a write makes of its document, after the writes before it in the batch. */
  #draft(drafts: Map<string, Entry<Value> | undefined>, { id, change, reject }: Write<Value>): boolean {
    const current = drafts.has(id) ? drafts.get(id) : this.#entries.get(id);
    try {
      const value = change(current?.value);
      const entry = this.#entry(id, value, current);
      // What is inserted comes after all that was before.
      if (!current) drafts.delete(id);
      drafts.set(id, entry);
      return true;
    } catch (error) {
      reject(error as Error);
      return false;
    }
  }

  #entry(id: string, value: Value | undefined, current: Entry<Value> | undefined): Entry<Value> | undefined {
    if (value === current?.value) return current;
    if (value === undefined) return undefined;
    if (!current) this.#lastOrder += 1;
    const order = current?.document.order ?? this.#lastOrder;
    return { document: { _id: id, order, json: JSON.stringify(value) }, value };
  }

  #compactWhenDue(lines: number): void {
    this.#appended += lines;
    if (this.#compacting !== undefined) return;
    const manyLines = this.#appended >= this.#compactAfter + this.#entries.size;
    const manyBytes = this.#file.size >= Math.max(COMPACT_BYTES, 4 * this.#compactedSize);
    if (!manyLines && !manyBytes) return;
    this.#appended = 0;
    this.#compacting = this.#compact();
  }

  async #compact(): Promise<void> {
    // Without room for it the file just stays long; the next time comes.
    await this.#file.compact().catch(() => {});
    this.#compactedSize = this.#file.size;
    this.#compacting = undefined;
  }
}
