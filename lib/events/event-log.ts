import { EventEmitter, once } from 'node:events';
import { AgentError, errorMessage } from '../errors.js';
import type { Logger } from '../log.js';
import type { EventBatch, EventBody, HostEvent } from '../model/event.js';
import { DEFAULT_MAX_BYTES, EventFile, idFromClock } from './event-file.js';

/** Events kept in memory, for readers that keep up. */
const RECENT = 1000;
/** Events per read, for readers that lag. */
const BATCH = 500;
const MAX_READERS = 200;
/** Events are written in batches and not synced: unlike jobs, they need not survive a crash. */
const WRITE_MS = 50;

/** The newest events of this host, for any number of readers, each at its own position. */
export class EventLog {
  readonly #file: EventFile;
  readonly #log: Logger;
  readonly #published = new EventEmitter().setMaxListeners(0);
  readonly #closed = new AbortController();
  #recent: HostEvent[] = [];
  /** The id of the event before the first of `#recent`. */
  #recentAfter: number;
  #unwritten: HostEvent[] = [];
  #writing: Promise<void> | undefined;
  #lastId: number;
  #readers = 0;
  #isFailing = false;

  private constructor(file: EventFile, log: Logger) {
    this.#file = file;
    this.#log = log;
    this.#recentAfter = file.lastId;
    // Readers may have seen events that a crash then lost: new ids must be higher than theirs.
    this.#lastId = idFromClock(file.lastId);
  }

  /**
   * @param directory created when it does not exist
   * @param maxBytes limit on disk
   */
  static async open(directory: string, log: Logger, maxBytes = DEFAULT_MAX_BYTES): Promise<EventLog> {
    return new EventLog(await EventFile.open(directory, maxBytes), log);
  }

  get lastId(): number {
    return this.#lastId;
  }

  /** The number of readers. */
  get readers(): number {
    return this.#readers;
  }

  /** The id of the event before the oldest one kept. */
  get after(): number {
    return Math.min(this.#file.after, this.#recentAfter);
  }

  publish(body: EventBody): void {
    this.#lastId += 1;
    const event = { id: this.#lastId, time: new Date().toISOString(), body };
    this.#recent.push(event);
    // Trim only what is on disk already: unwritten events exist nowhere else.
    const lastToTrim = this.#recent[RECENT - 1]?.id ?? 0;
    if (this.#recent.length >= 2 * RECENT && lastToTrim <= this.#file.lastId) {
      const [last] = this.#recent.splice(0, RECENT).slice(-1);
      this.#recentAfter = last?.id ?? this.#recentAfter;
    }
    this.#unwritten.push(event);
    this.#writing ??= this.#write();
    this.#published.emit('event');
  }

  /** Reads some of the events that follow the given id; an empty list before the next event. */
  async read(after: number): Promise<EventBatch> {
    if (after >= this.#recentAfter) {
      const first = this.#recent.findIndex(({ id }) => id > after);
      return { events: first === -1 ? [] : this.#recent.slice(first, first + BATCH) };
    }
    const batch = await this.#file.read(after, BATCH);
    if (batch.events.length > 0) return batch;
    // Everything on disk has been read: continue with the events in memory.
    const missed = { after, before: this.#recentAfter + 1 };
    return { ...(await this.read(this.#recentAfter)), missed };
  }

  /** Waits for an event that follows the given id. */
  async wait(after: number, signal: AbortSignal): Promise<void> {
    if (this.#lastId > after && this.#recent.length > 0) return;
    await once(this.#published, 'event', { signal });
  }

  /** @throws {AgentError} `queue_full` when there are too many readers */
  requireRoom(): void {
    if (this.#readers >= MAX_READERS)
      throw new AgentError(
        'queue_full',
        `${MAX_READERS} clients are following the events already: try again later`,
      );
  }

  /**
   * Counts a reader.
   * @returns a signal that is aborted when the log closes, and a function that ends the reading
   */
  enter(): { closed: AbortSignal; leave: () => void } {
    this.#readers += 1;
    return {
      closed: this.#closed.signal,
      leave: () => {
        this.#readers -= 1;
      },
    };
  }

  /** Aborted when readers must stop. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Ends all reading. Later events are still written, and can be read after the next start. */
  close(): void {
    this.#closed.abort();
  }

  /** Resolves when all published events are written. */
  async written(): Promise<void> {
    await this.#writing;
  }

  /** Closes the log cleanly. Without this, the next start assumes that the last events were lost. */
  async end(): Promise<void> {
    this.close();
    await this.written();
    await this.#file.close().catch((error: unknown) => this.#logFailure(error));
  }

  async #write(): Promise<void> {
    while (this.#unwritten.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, WRITE_MS));
      const events = this.#unwritten.splice(0);
      try {
        await this.#file.append(events);
        this.#isFailing = false;
      } catch (error) {
        await this.#drop(events, error);
      }
    }
    this.#writing = undefined;
  }

  /** Gives up on events that cannot be written, so that readers of the file see a gap. */
  async #drop(events: readonly HostEvent[], error: unknown): Promise<void> {
    this.#logFailure(error);
    await this.#file.clear(events.at(-1)?.id ?? this.#lastId).catch(() => {});
  }

  #logFailure(error: unknown): void {
    if (!this.#isFailing) this.#log.error(`events not written to disk: ${errorMessage(error)}`);
    this.#isFailing = true;
  }
}
