import { appendFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists } from '../files/atomic-files.js';
import { repairTail } from '../files/repair-tail.js';
import type { EventBatch, HostEvent } from '../model/event.js';
import { formatLines, readSteps } from './event-lines.js';

/** Bytes of both files together. */
export const DEFAULT_MAX_BYTES = 8 * 1024 * 1024;

/**
 * Returns an id that is at least `lastId`, and higher than all ids given out before a crash, even when their events
 * were lost: ids follow the clock, in microseconds since 1970.
 */
export const idFromClock = (lastId: number): number => Math.max(lastId, Date.now() * 1000);

/** The range of events in a file. */
interface Extent {
  /** The id of the event before the first one. */
  after: number;
  lastId: number;
}

/** Repairs a file's tail and returns its extent; `undefined` when it has no events. */
const readExtent = async (path: string): Promise<Extent | undefined> => {
  await repairTail(path);
  let extent: Extent | undefined;
  for await (const { event, previousId } of readSteps(path))
    extent = { after: extent?.after ?? previousId, lastId: event.id };
  return extent;
};

/** The newest events on disk, in two files: when the newer one is full it replaces the older one. */
export class EventFile {
  readonly #path: string;
  readonly #olderPath: string;
  /** Exists, with the last event's id, between a clean stop and the next start. Without it the agent was killed. */
  readonly #cleanStopPath: string;
  readonly #maxBytes: number;
  #bytes = 0;
  /** Counts the rotations, so that a read can tell that one happened meanwhile. */
  #rotations = 0;
  /** The id of the event before the oldest one on disk. */
  #after = 0;
  /** The id of the event before the first one of the newer file. */
  #newerAfter = 0;
  #lastId = 0;
  /** Whether the next event is the first of a file or of a run of the agent. */
  #needsHeader = true;

  private constructor(directory: string, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#path = join(directory, 'events.jsonl');
    this.#olderPath = join(directory, 'events.old.jsonl');
    this.#cleanStopPath = join(directory, 'closed');
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

  /** Appends events, in order. They are not synced: a crash may lose the last ones. */
  async append(events: readonly HostEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    if (this.#bytes > this.#maxBytes / 2) await this.#rotate();
    const text = formatLines(events, this.#needsHeader ? this.#lastId : undefined);
    await appendFile(this.#path, text, { mode: 0o600 });
    if (this.#bytes === 0) this.#newerAfter = this.#lastId;
    this.#needsHeader = false;
    this.#bytes += Buffer.byteLength(text);
    this.#lastId = last.id;
  }

  /** Deletes all events, because those up to `lastId` could not be written and would leave a hidden gap. */
  async clear(lastId: number): Promise<void> {
    this.#rotations += 1;
    this.#bytes = 0;
    this.#needsHeader = true;
    this.#after = lastId;
    this.#newerAfter = lastId;
    this.#lastId = lastId;
    await Promise.all([this.#truncate(), rm(this.#olderPath, { force: true })]);
  }

  /** Marks a clean stop: no event is missing. */
  async close(): Promise<void> {
    await writeFile(this.#cleanStopPath, String(this.#lastId), { mode: 0o600 });
  }

  /** Reads at most `limit` events that follow the given id, up to the first gap between them. */
  async read(after: number, limit: number): Promise<EventBatch> {
    const rotations = this.#rotations;
    const batch: EventBatch = { events: [] };
    let lastId = after;
    for await (const { event, previousId } of this.#readSteps()) {
      if (event.id <= after) continue;
      if (previousId > lastId) {
        if (batch.events.length > 0) break;
        batch.missed = { after, before: event.id };
      }
      batch.events.push(event);
      if (batch.events.length === limit) break;
      lastId = event.id;
    }
    return rotations === this.#rotations ? batch : this.read(after, limit);
  }

  async *#readSteps() {
    yield* readSteps(this.#olderPath);
    yield* readSteps(this.#path);
  }

  async #load(): Promise<void> {
    const [older, newer] = [await readExtent(this.#olderPath), await readExtent(this.#path)];
    const stats = await ifExists(stat(this.#path));
    const mark = await ifExists(readFile(this.#cleanStopPath, 'utf8'));
    const isNew = !older && !stats && mark === undefined;
    const lastId = (newer ?? older)?.lastId ?? 0;
    // Events are written after the changes they report, so a crash may lose some: skip ids, so that readers see a gap.
    this.#lastId = isNew || mark === String(lastId) ? lastId : idFromClock(lastId + 1);
    this.#newerAfter = newer?.after ?? this.#lastId;
    this.#after = older?.after ?? this.#newerAfter;
    this.#bytes = stats?.size ?? 0;
    if (!stats) await this.#truncate();
    await rm(this.#cleanStopPath, { force: true });
  }

  /** Empties the newer file, or creates it. */
  async #truncate(): Promise<void> {
    await writeFile(this.#path, '', { mode: 0o600 });
  }

  async #rotate(): Promise<void> {
    this.#rotations += 1;
    await rename(this.#path, this.#olderPath);
    this.#bytes = 0;
    this.#needsHeader = true;
    this.#after = this.#newerAfter;
  }
}
