import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'undici';
import { readLines } from '../../async/lines.js';
import { errorMessage } from '../../errors.js';
import type { EventLog } from '../../events/event-log.js';
import type { Logger } from '../../log.js';
import type { HostProgram } from '../../model/host-program.js';
import { Backoff } from '../../portable/backoff.js';
import { connectionsTo } from '../../rpc/client/connections.js';
import { openEvents, parseEvent } from '../../rpc/client/event-stream.js';
import { HEARTBEAT_MS } from '../../rpc/protocol/heartbeat.js';
import { describeAddress, type ServiceEndpoint } from '../../rpc/protocol/service-address.js';
import type { Progress, SubAgentEvent } from '../../rpc/protocol/sub-agent-events.js';
import type { GuestRevisions } from '../../runtime/guests/guest-revisions.js';
import { ReportedGuests } from './reported-guests.js';
import type { Supervisor } from './supervisor.js';

/** How often to look for a sub-agent that the agent has just started: the agent serves no request before. */
const STARTING_RETRY_MS = 25;
const STARTING_MS = 5000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2000;
/** How often to look for an event stream again: a newer sub-agent at the address may have one. */
const UNSUPPORTED_RETRY_MS = 60_000;
const SILENCE_MS = HEARTBEAT_MS * 3;

/** A guest's state takes about 150 bytes: room for more guests than any host has. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

export interface WatchedSubAgent extends ServiceEndpoint {
  /** The names of its services in the config: one for each of its paths. */
  readonly names: readonly string[];
  /** Whether the agent has just started it, so that it will soon respond. */
  readonly starting: boolean;
}

export interface LinkOptions {
  revisions: GuestRevisions;
  /** Stores the progress of a job. */
  noteProgress: (progress: Progress) => Promise<void>;
  events: EventLog;
  log: Logger;
  /** Aborted when the agent stops. */
  closed: AbortSignal;
  /** Returns the guests that any connected sub-agent reports. */
  reportedIds: () => ReadonlySet<string>;
  /** Why the sub-agents that the agent starts exited last. */
  exits: Supervisor['exits'];
}

/** Follows the event stream of one sub-agent, and reconnects whenever it breaks. */
export class SubAgentLink {
  readonly subAgent: WatchedSubAgent;
  /** The sub-agent's address, for messages. */
  readonly name: string;
  readonly guests: ReportedGuests;
  /** Why the last attempt to connect failed. */
  problem: string | undefined;
  /** Whether it has reported its guests once, or has no event stream to report them on. */
  hasResponded = false;
  /** Whether its event stream is open and has begun with a report of all guests. */
  isConnected = false;
  /** What the sub-agent could not do and retries, in sentences. */
  #problems: readonly string[] = [];
  /** The programs that the sub-agent works with. */
  programs: readonly HostProgram[] = [];
  /** Whether it responds but has no event stream. */
  lacksEvents = false;
  /** The reason in the last published event that it is down. */
  #published: string | undefined;
  readonly #connections: Pool;
  readonly #options: LinkOptions;

  constructor(subAgent: WatchedSubAgent, options: LinkOptions) {
    this.subAgent = subAgent;
    this.name = describeAddress(subAgent.address);
    this.guests = new ReportedGuests(options.revisions, options.reportedIds);
    this.#connections = connectionsTo(subAgent.address, 1);
    this.#options = options;
  }

  /** Whether the sub-agent responds. */
  get isUp(): boolean {
    return this.isConnected || this.lacksEvents;
  }

  /** Why it does not respond, as far as that is known. */
  get downReason(): string | undefined {
    if (this.isUp) return undefined;
    return this.#options.exits.reason(this.subAgent.address) ?? this.problem;
  }

  /** Publishes that the agent ended the sub-agent because it hung. */
  noteHang(reason: string): void {
    if (reason !== this.#published) this.#publishDown(reason);
  }

  /** What the sub-agent could not do and retries, and whether it hung lately, in sentences. */
  get problems(): readonly string[] {
    const hang = this.#options.exits.hang(this.subAgent.address);
    return hang === undefined ? this.#problems : [...this.#problems, hang];
  }

  close(): void {
    void this.#connections.destroy();
  }

  /**
   * Follows the event stream until the agent stops.
   * @param onResponse called once the sub-agent has responded, or is not expected to respond soon
   */
  async follow(onResponse: () => void): Promise<void> {
    const { closed, log } = this.#options;
    const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
    const startedBy = performance.now() + STARTING_MS;
    const noteResponse = (): void => {
      this.hasResponded = true;
      backoff.reset();
      onResponse();
    };
    while (!closed.aborted) {
      await this.guests.markUnknown();
      try {
        const stream = await openEvents(this.subAgent, this.#connections, closed);
        this.lacksEvents = !stream;
        if (stream) {
          await this.#read(stream, noteResponse);
        } else {
          noteResponse();
        }
      } catch (error) {
        this.lacksEvents = false;
        this.problem = errorMessage(error);
        log.debug({ subAgent: this.name }, `sub-agent's event stream not opened: ${this.problem}`);
        this.#publishExit();
      }
      if (!this.subAgent.starting) onResponse();
      const isStarting = this.subAgent.starting && !this.hasResponded && performance.now() < startedBy;
      const otherwise = isStarting ? STARTING_RETRY_MS : backoff.next();
      const retryMs = this.lacksEvents ? UNSUPPORTED_RETRY_MS : otherwise;
      await delay(retryMs, undefined, { signal: closed, ref: false }).catch(() => {});
    }
  }

  async #read(stream: Readable, onLine: () => void): Promise<void> {
    const silence = setTimeout(
      () => stream.destroy(new Error(`no heartbeat within ${SILENCE_MS / 1000} s`)),
      SILENCE_MS,
    );
    let reason = 'the stream ended';
    try {
      await this.#readLines(stream, () => {
        silence.refresh();
        onLine();
      });
    } catch (error) {
      reason = errorMessage(error);
    } finally {
      clearTimeout(silence);
      stream.destroy();
    }
    if (!this.#options.closed.aborted) await this.#disconnected(reason);
  }

  /**
   * @param onLine called after each line
   * @throws {Error} when the first line is not a report of all guests; later malformed lines are skipped
   */
  async #readLines(stream: Readable, onLine: () => void): Promise<void> {
    let skipped = 0;
    for await (const line of readLines(stream, MAX_LINE_BYTES)) {
      const event = parseEvent(line);
      if (!(event instanceof Error)) await this.#handle(event);
      else if (!this.isConnected) throw event;
      else if (skipped++ === 0)
        this.#options.log.warn({ subAgent: this.name }, `malformed event skipped: ${event.message}`);
      onLine();
    }
  }

  async #handle(event: SubAgentEvent): Promise<void> {
    if ('guests' in event) {
      this.#connected();
      this.#problems = [];
      this.programs = [];
      return this.guests.replaceAll(event.guests);
    }
    if (!this.isConnected) throw new Error('the first line is not a report of all guests');
    if ('guest' in event) await this.guests.update(event.guest);
    if ('removed' in event) this.guests.remove(event.removed);
    if ('problems' in event) this.#problems = event.problems;
    if ('programs' in event) this.programs = event.programs;
    if ('progress' in event) await this.#noteProgress(event.progress);
    // Heartbeats arrive every few seconds, so retry failed writes then.
    if (Object.keys(event).length === 0) await this.guests.retry();
  }

  #connected(): void {
    if (!this.isConnected)
      for (const id of this.subAgent.names)
        this.#options.events.publish({ kind: 'service', change: 'up', id });
    this.isConnected = true;
    this.#published = undefined;
  }

  #publishDown(reason: string): void {
    this.#published = reason;
    for (const id of this.subAgent.names)
      this.#options.events.publish({ kind: 'service', change: 'down', id, reason });
  }

  /** Publishes why the sub-agent cannot be started, once for each reason. */
  #publishExit(): void {
    const reason = this.#options.exits.reason(this.subAgent.address);
    if (reason !== undefined && reason !== this.#published) this.#publishDown(reason);
  }

  async #disconnected(reason: string): Promise<void> {
    const { log } = this.#options;
    if (!this.isConnected) {
      log.warn({ subAgent: this.name }, `sub-agent's events not readable: ${reason}`);
      return;
    }
    this.isConnected = false;
    this.#problems = [];
    this.programs = [];
    this.#publishDown(reason);
    log.warn(
      { subAgent: this.name, guests: this.guests.ids.length, reason },
      'sub-agent down; the state of its guests is unknown',
    );
    await this.guests.markUnknown(this.guests.ids);
  }

  async #noteProgress(progress: Progress): Promise<void> {
    try {
      await this.#options.noteProgress(progress);
    } catch (error) {
      this.#options.log.warn({ job: progress.job }, `job progress not stored: ${errorMessage(error)}`);
    }
  }
}
