import { appendFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists } from '../files/atomic-files.js';
import { repairTail } from '../files/repair-tail.js';
import type { Batch, HostEvent } from '../model/event.js';
import { linesFor, stepsIn } from './event-lines.js';

/** Bytes of the two files together. */
export const DEFAULT_MAX_BYTES = 8 * 1024 * 1024;

/** Ids go up across restarts, also when the newest ones were lost. @returns one that is not below `lastId` */
export const idOfNow = (lastId: number): number => Math.max(lastId, Date.now() * 1000);

/** What a file has: the id of the event before its first one, and that of its last one. */
interface Extent {
  after: number;
  lastId: number;
}

/** Undefined when there are no events in it. */
const extentOf = async (path: string): Promise<Extent | undefined> => {
  await repairTail(path);
  let extent: Extent | undefined;
  for await (const { event, follows } of stepsIn(path))
    extent = { after: extent?.after ?? follows, lastId: event.id };
  return extent;
};

/** The newest events on disk, in two files: when the newer one is full it takes the place of the older one. */
export class EventFile {
  readonly #path: string;
  readonly #olderPath: string;
  /** Has the id of the last event, from a stop to the next start: where it is missing the agent was killed. */
  readonly #markPath: string;
  readonly #maxBytes: number;
  #bytes = 0;
  /** Counts how often the files have changed places. */
  #turn = 0;
  /** The id of the event before the oldest one that is kept. */
  #after = 0;
  /** The id of the event before the oldest one of the newer file. */
  #newerAfter = 0;
  #lastId = 0;
  /** Whether the next event begins a file or a run of the agent. */
  #isBeginning = true;

  private constructor(directory: string, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#path = join(directory, 'events.jsonl');
    this.#olderPath = join(directory, 'events.old.jsonl');
    this.#markPath = join(directory, 'closed');
  }

  /** @param maxBytes of both files together */
  static async open(directory: string, maxBytes: number): Promise<EventFile> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = new EventFile(directory, maxBytes);
    await file.#load();
    return file;
  }

  get after(): number {
    return this.#after;
  }

  get lastId(): number {
    return this.#lastId;
  }

  /** @param events in order; the disk is not waited for */
  async append(events: readonly HostEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    if (this.#bytes > this.#maxBytes / 2) await this.#turnOver();
    const text = linesFor(events, this.#isBeginning ? this.#lastId : undefined);
    await appendFile(this.#path, text, { mode: 0o600 });
    if (this.#bytes === 0) this.#newerAfter = this.#lastId;
    this.#isBeginning = false;
    this.#bytes += Buffer.byteLength(text);
    this.#lastId = last.id;
  }

  /** Forgets everything, as when the disk would not take what has happened since. */
  async clear(lastId: number): Promise<void> {
    this.#turn += 1;
    this.#bytes = 0;
    this.#isBeginning = true;
    this.#after = lastId;
    this.#newerAfter = lastId;
    this.#lastId = lastId;
    await Promise.all([this.#create(), rm(this.#olderPath, { force: true })]);
  }

  /** Notes that nothing is missing. */
  async close(): Promise<void> {
    await writeFile(this.#markPath, String(this.#lastId), { mode: 0o600 });
  }

  /** At most `limit` of the events that came after the one of that id, as far as none is missing between them. */
  async read(after: number, limit: number): Promise<Batch> {
    const turn = this.#turn;
    const batch: Batch = { events: [] };
    let place = after;
    for await (const { event, follows } of this.#steps()) {
      if (event.id <= after) continue;
      if (follows > place) {
        if (batch.events.length > 0) break;
        batch.missed = { after, before: event.id };
      }
      batch.events.push(event);
      if (batch.events.length === limit) break;
      place = event.id;
    }
    return turn === this.#turn ? batch : this.read(after, limit);
  }

  async *#steps() {
    yield* stepsIn(this.#olderPath);
    yield* stepsIn(this.#path);
  }

  async #load(): Promise<void> {
    const [older, newer] = [await extentOf(this.#olderPath), await extentOf(this.#path)];
    const stats = await ifExists(stat(this.#path));
    const mark = await ifExists(readFile(this.#markPath, 'utf8'));
    const isNew = !older && !stats && mark === undefined;
    const lastId = (newer ?? older)?.lastId ?? 0;
    // What is written after the changes themselves may be lost in a crash: those who read that far are to be told.
    this.#lastId = isNew || mark === String(lastId) ? lastId : idOfNow(lastId + 1);
    this.#newerAfter = newer?.after ?? this.#lastId;
    this.#after = older?.after ?? this.#newerAfter;
    this.#bytes = stats?.size ?? 0;
    if (!stats) await this.#create();
    await rm(this.#markPath, { force: true });
  }

  /** Empties it when it is there. */
  async #create(): Promise<void> {
    await writeFile(this.#path, '', { mode: 0o600 });
  }

  async #turnOver(): Promise<void> {
    this.#turn += 1;
    await rename(this.#path, this.#olderPath);
    this.#bytes = 0;
    this.#isBeginning = true;
    this.#after = this.#newerAfter;
  }
}
