import { createReadStream } from 'node:fs';
import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repairTail } from '../store/repair-tail.js';
import type { HostEvent } from './event.js';

/** Bytes of the two files together. */
export const DEFAULT_MAX_BYTES = 8 * 1024 * 1024;

/** The first line of a file: the id of the event before those in it. */
interface Header {
  after: number;
}

/** @param end of the bytes that are read */
async function* linesOf<Line>(path: string, end = Number.POSITIVE_INFINITY): AsyncGenerator<Line> {
  try {
    for await (const line of createInterface({
      input: createReadStream(path, { end }),
      crlfDelay: Number.POSITIVE_INFINITY,
    }))
      yield JSON.parse(line) as Line;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** More than a header has. The reader of lines would go on with the file after the first one. */
const HEADER_BYTES = 100;

const headerOf = async (path: string): Promise<Header | undefined> => {
  for await (const line of linesOf<Header>(path, HEADER_BYTES)) return line;
  return undefined;
};

/** The newest events on disk, in two files: when the newer one is full it takes the place of the older one. */
export class EventFile {
  readonly #path: string;
  readonly #olderPath: string;
  readonly #maxBytes: number;
  #bytes = 0;
  /** Counts how often the files have changed places. */
  #turn = 0;
  /** The id of the event before the oldest one that is kept. */
  #after = 0;
  #lastId = 0;

  private constructor(directory: string, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#path = join(directory, 'events.jsonl');
    this.#olderPath = join(directory, 'events.old.jsonl');
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
    const header: Header = { after: this.#lastId };
    const lines = [...(this.#bytes === 0 ? [header] : []), ...events].map(
      (line) => `${JSON.stringify(line)}\n`,
    );
    const text = lines.join('');
    await appendFile(this.#path, text, { mode: 0o600 });
    this.#bytes += Buffer.byteLength(text);
    this.#lastId = last.id;
  }

  /** Forgets everything, as when the disk would not take what has happened since. */
  async clear(lastId: number): Promise<void> {
    this.#turn += 1;
    this.#bytes = 0;
    this.#after = lastId;
    this.#lastId = lastId;
    await Promise.all([this.#path, this.#olderPath].map((path) => rm(path, { force: true })));
  }

  /** At most `limit` of the events that came after the one of that id. */
  async read(after: number, limit: number): Promise<HostEvent[]> {
    const turn = this.#turn;
    const found: HostEvent[] = [];
    for (const path of [this.#olderPath, this.#path]) {
      for await (const line of linesOf<HostEvent | Header>(path)) {
        if (found.length === limit) break;
        if ('id' in line && line.id > after) found.push(line);
      }
    }
    return turn === this.#turn ? found : this.read(after, limit);
  }

  async #load(): Promise<void> {
    for (const path of [this.#olderPath, this.#path]) {
      await repairTail(path);
      for await (const line of linesOf<HostEvent | Header>(path)) if ('id' in line) this.#lastId = line.id;
    }
    this.#bytes = (await stat(this.#path).catch(() => undefined))?.size ?? 0;
    await this.#noteOldest();
  }

  async #noteOldest(): Promise<void> {
    const oldest = (await headerOf(this.#olderPath)) ?? (await headerOf(this.#path));
    this.#after = oldest?.after ?? 0;
  }

  async #turnOver(): Promise<void> {
    this.#turn += 1;
    await rename(this.#path, this.#olderPath);
    this.#bytes = 0;
    await this.#noteOldest();
  }
}
