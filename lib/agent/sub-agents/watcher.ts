import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'undici';
import { linesOf } from '../../async/lines.js';
import { errorMessage } from '../../errors.js';
import type { EventLog } from '../../events/event-log.js';
import type { Logger } from '../../log.js';
import { connectionsTo } from '../../rpc/client/connections.js';
import { openEvents, parseEvent } from '../../rpc/client/event-stream.js';
import type { Progress, SubAgentEvent } from '../../rpc/protocol/messages.js';
import { describeAddress, type ServiceEndpoint } from '../../rpc/protocol/service-address.js';
import { HEARTBEAT_MS } from '../../rpc/server/event-stream.js';
import type { GuestRevisions } from '../../runtime/guests/guest-revisions.js';
import type { JobLog } from '../../store/job-log.js';
import { ToldGuests } from './reported-guests.js';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2000;
/** A sub-agent that has no event stream may be replaced by one that has. */
const UNSUPPORTED_RETRY_MS = 60_000;
const SILENCE_MS = HEARTBEAT_MS * 3;

/** A guest's state is some 150 bytes: room for more guests than any host has. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

export interface WatchedSubAgent extends ServiceEndpoint {
  /** As the config calls it: a service for each of its paths. */
  readonly names: readonly string[];
  /** It has just been started and will soon answer. */
  readonly starting: boolean;
}

/** A sub-agent, and what it has told. */
interface Link {
  readonly subAgent: WatchedSubAgent;
  readonly connections: Pool;
  /** Its address, in words. */
  readonly name: string;
  /** Why it could not be asked the last time. */
  problem: string | undefined;
  /** It has told its states once, or that it tells none. */
  answered: boolean;
  connected: boolean;
  /** It answers, and has no event stream. */
  isMute: boolean;
  readonly guests: ToldGuests;
}

export interface SubAgentWatcherOptions {
  revisions: GuestRevisions;
  jobs: JobLog;
  events: EventLog;
  log: Logger;
}

/** Follows the event stream of every sub-agent that has one: guests' states, and how far jobs have come. */
export class SubAgentWatcher {
  readonly #revisions: GuestRevisions;
  readonly #jobs: JobLog;
  readonly #events: EventLog;
  readonly #log: Logger;
  readonly #closed = new AbortController();
  #links: Link[] = [];

  constructor({ revisions, jobs, events, log }: SubAgentWatcherOptions) {
    this.#revisions = revisions;
    this.#jobs = jobs;
    this.#events = events;
    this.#log = log;
  }

  /**
   * Starts to watch. Afterwards a guest is in state unknown if it may be one of a sub-agent that did not answer:
   * whose guest it is nothing but the sub-agents' own words can tell.
   * @param subAgents each one once
   * @param firstMs milliseconds to wait, at most, until each one has told all its states once
   */
  async watch(subAgents: readonly WatchedSubAgent[], firstMs: number): Promise<void> {
    this.#links = subAgents.map((subAgent) => ({
      subAgent,
      connections: connectionsTo(subAgent.address, 1),
      name: describeAddress(subAgent.address),
      problem: undefined,
      answered: false,
      connected: false,
      isMute: false,
      guests: new ToldGuests(this.#revisions, () => this.#vouchedFor()),
    }));
    const told = this.#links.map((link) => new Promise<void>((resolve) => void this.#follow(link, resolve)));
    const late = new AbortController();
    await Promise.race([
      Promise.all(told),
      delay(firstMs, undefined, { signal: late.signal }).catch(() => {}),
    ]);
    late.abort();
    const silent = this.#links.filter(({ answered }) => !answered);
    if (silent.length === 0) return;
    this.#log.warn(
      {
        subAgents: Object.fromEntries(silent.map(({ name, problem }) => [name, problem ?? 'no answer yet'])),
      },
      'sub-agents do not answer; guests that may be theirs are in state unknown',
    );
    const others = this.#revisions.others(this.#vouchedFor());
    await Promise.all(silent.map(({ guests }) => guests.lose(others)));
  }

  /** Whether the sub-agent of each service answers, by the service's name. */
  services(): Map<string, boolean> {
    return new Map(
      this.#links.flatMap(({ subAgent, connected, isMute }) =>
        subAgent.names.map((name) => [name, connected || isMute] as const),
      ),
    );
  }

  close(): void {
    this.#closed.abort();
    for (const { connections } of this.#links) void connections.destroy();
  }

  /** The guests whose states some connected sub-agent tells. */
  #vouchedFor(): Set<string> {
    return new Set(this.#links.flatMap(({ connected, guests }) => (connected ? guests.ids : [])));
  }

  /** @param settled is called when the states are known, or when there is nothing to wait for */
  async #follow(link: Link, settled: () => void): Promise<void> {
    const { subAgent, name } = link;
    let retryMs = FIRST_RETRY_MS;
    const answered = (): void => {
      link.answered = true;
      retryMs = FIRST_RETRY_MS;
      settled();
    };
    while (!this.#closed.signal.aborted) {
      await link.guests.lose();
      try {
        const stream = await openEvents(subAgent, link.connections, this.#closed.signal);
        link.isMute = !stream;
        if (stream) {
          await this.#read(link, stream, answered);
        } else {
          answered();
          retryMs = UNSUPPORTED_RETRY_MS;
        }
      } catch (error) {
        link.isMute = false;
        link.problem = errorMessage(error);
        this.#log.debug({ subAgent: name }, `no events: ${link.problem}`);
      }
      if (!subAgent.starting) settled();
      await delay(retryMs, undefined, { signal: this.#closed.signal, ref: false }).catch(() => {});
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }

  async #read(link: Link, stream: Readable, answered: () => void): Promise<void> {
    const silence = setTimeout(() => stream.destroy(new Error('the sub-agent fell silent')), SILENCE_MS);
    let reason = 'the stream ended';
    try {
      await this.#readLines(link, stream, () => {
        silence.refresh();
        answered();
      });
    } catch (error) {
      reason = errorMessage(error);
    } finally {
      clearTimeout(silence);
      stream.destroy();
    }
    if (!this.#closed.signal.aborted) await this.#noteGone(link, reason);
  }

  /**
   * @param onLine is called after each line
   * @throws {Error} when the first line is not what it must be; one that comes later is passed over
   */
  async #readLines(link: Link, stream: Readable, onLine: () => void): Promise<void> {
    let passedOver = 0;
    for await (const line of linesOf(stream, MAX_LINE_BYTES)) {
      const event = parseEvent(line);
      if (!(event instanceof Error)) await this.#take(event, link);
      else if (!link.connected) throw event;
      else if (passedOver++ === 0)
        this.#log.warn({ subAgent: link.name }, `passed over an event: ${event.message}`);
      onLine();
    }
  }

  async #noteGone(link: Link, reason: string): Promise<void> {
    const { name, connected, guests } = link;
    if (!connected) {
      this.#log.warn({ subAgent: name }, `a sub-agent's events cannot be read: ${reason}`);
      return;
    }
    link.connected = false;
    for (const id of link.subAgent.names)
      this.#events.publish({ kind: 'service', change: 'down', id, reason });
    this.#log.warn(
      { subAgent: name, guests: guests.ids.length, reason },
      'a sub-agent is gone; its guests are in state unknown',
    );
    await guests.lose(guests.ids);
  }

  async #take(event: SubAgentEvent, link: Link): Promise<void> {
    if ('guests' in event) {
      this.#noteConnected(link);
      return link.guests.takeAll(event.guests);
    }
    if (!link.connected) throw new Error('the first line does not tell all guests');
    if ('guest' in event) await link.guests.take(event.guest);
    if ('removed' in event) link.guests.drop(event.removed);
    if ('progress' in event) await this.#noteProgress(event.progress);
    // It comes every few seconds, whatever else there is to tell.
    if (Object.keys(event).length === 0) await link.guests.catchUp();
  }

  #noteConnected(link: Link): void {
    if (!link.connected)
      for (const id of link.subAgent.names) this.#events.publish({ kind: 'service', change: 'up', id });
    link.connected = true;
  }

  async #noteProgress({ job, message }: Progress): Promise<void> {
    try {
      await this.#jobs.note(job, message);
    } catch (error) {
      this.#log.warn({ job }, `how far a job has come cannot be stored: ${errorMessage(error)}`);
    }
  }
}
