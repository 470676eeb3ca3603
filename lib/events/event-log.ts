import { EventEmitter, once } from 'node:events';
import { AgentError, errorMessage } from '../errors.js';
import type { Logger } from '../log.js';
import type { Batch, Happening, HostEvent } from '../model/event.js';
import { DEFAULT_MAX_BYTES, EventFile, idOfNow } from './event-file.js';

/** Events that are at hand for those who keep up. */
const RECENT = 1000;
/** Events that somebody who is behind gets at a time. */
const BATCH = 500;
const MAX_READERS = 200;
/** An event is not a promise: several are written at a time, and no disk is waited for. */
const WRITE_MS = 50;

/** What has happened on this host: the newest events, for any number of readers, each at a place of its own. */
export class EventLog {
  readonly #file: EventFile;
  readonly #log: Logger;
  readonly #published = new EventEmitter().setMaxListeners(0);
  readonly #closed = new AbortController();
  /** The newest events, and the id of the one before them. */
  #recent: HostEvent[] = [];
  #recentAfter: number;
  #unwritten: HostEvent[] = [];
  #writing: Promise<void> | undefined;
  #lastId: number;
  #readers = 0;
  #isBroken = false;

  private constructor(file: EventFile, log: Logger) {
    this.#file = file;
    this.#log = log;
    this.#recentAfter = file.lastId;
    // A crash may have lost events that somebody has seen: the ids that come now are higher than any of them.
    this.#lastId = idOfNow(file.lastId);
  }

  /**
   * @param directory is made when it is not there
   * @param maxBytes what it may take of the disk
   */
  static async open(directory: string, log: Logger, maxBytes = DEFAULT_MAX_BYTES): Promise<EventLog> {
    return new EventLog(await EventFile.open(directory, maxBytes), log);
  }

  get lastId(): number {
    return this.#lastId;
  }

  /** How many read. */
  get readers(): number {
    return this.#readers;
  }

  /** The id of the event before the oldest one that is kept. */
  get after(): number {
    return Math.min(this.#file.after, this.#recentAfter);
  }

  publish(happening: Happening): void {
    this.#lastId += 1;
    const event = { id: this.#lastId, time: new Date().toISOString(), happening };
    this.#recent.push(event);
    // What is not on disk yet can be read here alone.
    const newestOfOld = this.#recent[RECENT - 1]?.id ?? 0;
    if (this.#recent.length >= 2 * RECENT && newestOfOld <= this.#file.lastId) {
      const [last] = this.#recent.splice(0, RECENT).slice(-1);
      this.#recentAfter = last?.id ?? this.#recentAfter;
    }
    this.#unwritten.push(event);
    this.#writing ??= this.#write();
    this.#published.emit('event');
  }

  /** Some of the events that came after the one of that id; none when there are none yet. */
  async read(after: number): Promise<Batch> {
    if (after >= this.#recentAfter) {
      const first = this.#recent.findIndex(({ id }) => id > after);
      return { events: first === -1 ? [] : this.#recent.slice(first, first + BATCH) };
    }
    const batch = await this.#file.read(after, BATCH);
    if (batch.events.length > 0) return batch;
    // What is at hand and not yet on disk comes next.
    const missed = { after, before: this.#recentAfter + 1 };
    return { ...(await this.read(this.#recentAfter)), missed };
  }

  /** Waits for an event after the one of that id. */
  async wait(after: number, signal: AbortSignal): Promise<void> {
    if (this.#lastId > after && this.#recent.length > 0) return;
    await once(this.#published, 'event', { signal });
  }

  /** @throws {AgentError} `queue_full` when there are too many readers */
  requireRoom(): void {
    if (this.#readers >= MAX_READERS)
      throw new AgentError('queue_full', `${MAX_READERS} clients follow the events already: try again later`);
  }

  /**
   * Lets one more read.
   * @returns a signal that is aborted when nobody is to read any more, and what ends the reading
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

  /** Aborted when nobody is to read any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Sends the readers away; what happens from now on is read after the next start. */
  close(): void {
    this.#closed.abort();
  }

  /** Resolves when what was published is written. */
  async written(): Promise<void> {
    await this.#writing;
  }

  /** Closes it for good: without this, the next start takes it for one that lacks what happened last. */
  async end(): Promise<void> {
    this.close();
    await this.written();
    await this.#file.close().catch((error: unknown) => this.#complain(error));
  }

  async #write(): Promise<void> {
    while (this.#unwritten.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, WRITE_MS));
      const events = this.#unwritten.splice(0);
      try {
        await this.#file.append(events);
        this.#isBroken = false;
      } catch (error) {
        await this.#lose(events, error);
      }
    }
    this.#writing = undefined;
  }

  /** Who was to read them from the disk must be told that they are missing. */
  async #lose(events: readonly HostEvent[], error: unknown): Promise<void> {
    this.#complain(error);
    await this.#file.clear(events.at(-1)?.id ?? this.#lastId).catch(() => {});
  }

  #complain(error: unknown): void {
    if (!this.#isBroken) this.#log.error(`events cannot be kept: ${errorMessage(error)}`);
    this.#isBroken = true;
  }
}
