import { setImmediate as endOfTurn } from 'node:timers/promises';
import { AgentError, storageFailed } from '../../errors.js';
import type { Change } from './document.js';
import { DocumentFile } from './document-file.js';

interface Entry<Value> {
  value: Value;
  /** Its place among the others, ascending in order of insertion. */
  order: number;
}

/** An entry to be written. */
interface Draft<Value> extends Entry<Value> {
  json: string;
}

/** The most writes that share one sync. */
const MAX_BATCH = 500;

/** Returns the new value, `undefined` to remove the document, or `current` to keep it. */
type Revise<Value> = (current: Value | undefined) => Value | undefined;

/** A queued write of documents, by id: all or none. */
interface Write<Value> {
  changes: ReadonlyMap<string, Revise<Value>>;
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * Documents by id, in the order of their insertion. Reads come from memory and return the stored object itself: treat
 * it as frozen. A write is visible and acknowledged once it is on disk; concurrent writes share a sync. A write that
 * fails changes nothing.
 */
export class Collection<Value> {
  readonly #file: DocumentFile;
  readonly #entries: Map<string, Entry<Value>>;
  #waiting: Write<Value>[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;
  #lastOrder = 0;

  private constructor(file: DocumentFile, entries: Iterable<[string, Entry<Value>]>) {
    this.#file = file;
    this.#entries = new Map(entries);
    for (const { order } of this.#entries.values()) this.#lastOrder = order;
  }

  /**
   * Opens the collection, or creates an empty one. On a full disk it can be read, and writes fail until there is room.
   * @param path the journal of {@link DocumentFile}
   * @throws {Error} when the content is damaged beyond a torn last line, or another version of the agent wrote it
   */
  static async open<Value>(path: string, checkpointAfter?: number): Promise<Collection<Value>> {
    const { file, documents } = await DocumentFile.open(path, checkpointAfter);
    const entries = documents.map(({ _id, order, json }): [string, Entry<Value>] => [
      _id,
      { order, value: JSON.parse(json) as Value },
    ]);
    return new Collection(file, entries);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(id: string): Value | undefined {
    return this.#entries.get(id)?.value;
  }

  /** Returns the position of a document among the others, ascending in order of insertion. */
  orderOf(id: string): number | undefined {
    return this.#entries.get(id)?.order;
  }

  values(): Value[] {
    return Array.from(this.#entries.values(), ({ value }) => value);
  }

  entries(): [string, Value][] {
    return Array.from(this.#entries, ([id, { value }]) => [id, value]);
  }

  /** Stores a new document. Resolves to false, and stores nothing, when its id is taken. */
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

  /** Stores documents, and removes those that are `undefined`: all of them or none, even when the agent is killed. */
  putAll(values: ReadonlyMap<string, Value | undefined>): Promise<void> {
    return this.#enqueue(new Map(Array.from(values, ([id, value]) => [id, () => value])));
  }

  /**
   * Replaces a document by the result of `change`, atomically.
   * @returns the stored value; `undefined` when the document does not exist
   */
  async update(id: string, change: (current: Value) => Value): Promise<Value | undefined> {
    let next: Value | undefined;
    await this.#write(id, (current) => {
      next = current === undefined ? undefined : change(current);
      return next;
    });
    return next;
  }

  /** Removes documents. Ids without a document are ignored. */
  async remove(...ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#write(id, () => undefined)));
  }

  /** Rejects further writes. Resolves when the accepted ones are on disk. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    await this.#file.close();
  }

  #write(id: string, change: Revise<Value>): Promise<void> {
    return this.#enqueue(new Map([[id, change]]));
  }

  #enqueue(changes: Write<Value>['changes']): Promise<void> {
    if (this.#closed) return Promise.reject(new AgentError('unavailable', 'the agent has stopped'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // All writes of one turn of the event loop share a sync.
      await endOfTurn();
      await this.#writeBatch(this.#waiting.splice(0, MAX_BATCH));
    }
    // Cleared in the same turn as the last check of the queue, so that no write is missed.
    this.#writing = undefined;
  }

  async #writeBatch(batch: readonly Write<Value>[]): Promise<void> {
    const drafts = new Map<string, Draft<Value> | undefined>();
    const drafted = batch.filter((write) => this.#draft(drafts, write));
    const changes = [...drafts].flatMap(([id, draft]): Change[] => {
      if (draft) return [{ id, document: { _id: id, order: draft.order, json: draft.json } }];
      return this.#entries.has(id) ? [{ id, document: undefined }] : [];
    });
    const inOneLine = drafted.some((write) => write.changes.size > 1);
    try {
      if (changes.length > 0) await this.#file.commit(changes, { inOneLine });
      // "Unchanged" must hold after a restart too, so the leftovers of a failed write must go first.
      else await this.#file.clean();
    } catch (error) {
      for (const { reject } of drafted) reject(storageFailed(error));
      return;
    }
    for (const [id, draft] of drafts) this.#apply(id, draft);
    for (const { resolve } of drafted) resolve();
    this.#file.checkpointWhenDue(this.#entries.size);
  }

  /** Works out what a write makes of its documents, after the earlier writes of the batch. */
  #draft(drafts: Map<string, Draft<Value> | undefined>, { changes, reject }: Write<Value>): boolean {
    try {
      const drafted = Array.from(changes, ([id, change]) => {
        const current = drafts.has(id) ? drafts.get(id) : this.#entries.get(id);
        const value = change(current?.value);
        if (value === current?.value) return undefined;
        return { id, current, draft: value === undefined ? undefined : this.#newDraft(value, current) };
      });
      for (const each of drafted) {
        if (!each) continue;
        // An insertion comes after everything that was there before.
        if (!each.current) drafts.delete(each.id);
        drafts.set(each.id, each.draft);
      }
      return true;
    } catch (error) {
      reject(error as Error);
      return false;
    }
  }

  #newDraft(value: Value, current: Entry<Value> | undefined): Draft<Value> {
    if (!current) this.#lastOrder += 1;
    return { value, order: current?.order ?? this.#lastOrder, json: JSON.stringify(value) };
  }

  #apply(id: string, draft: Draft<Value> | undefined): void {
    // A document that was removed and inserted again comes after the others.
    if (this.#entries.get(id)?.order !== draft?.order) this.#entries.delete(id);
    if (draft) this.#entries.set(id, { value: draft.value, order: draft.order });
  }
}
