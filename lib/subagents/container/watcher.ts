import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { readLines } from '../../async/lines.js';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { Backoff } from '../../portable/backoff.js';
import type { Problems } from '../../rpc/server/problems.js';
import type { Programs } from '../../rpc/server/programs.js';
import { GUEST_LABEL } from './definition.js';
import { NoEngineError } from './errors.js';
import type { Guests } from './guests.js';
import { settleAll } from './replace/settle.js';

const FIRST_RETRY_MS = 100;
/** An engine that is back is noticed within about this time. */
const MAX_RETRY_MS = 2000;
/** A lost event leaves a state wrong for this long at most. */
const RESYNC_MS = 30_000;
/** Events contain the container's labels, up to 256 KB, in which Go writes each `<`, `>` and `&` as six bytes. */
const MAX_LINE_BYTES = 2 ** 22;

/**
 * Actions of `SystemEvents` of the Docker Engine API, of Docker and of Podman, that change neither a state nor a health.
 * Health checks cause some every second.
 */
const IRRELEVANT: ReadonlySet<string> = new Set([
  ...['exec', 'exec_create', 'exec_start', 'exec_detach', 'exec_die', 'exec_died'],
  ...['attach', 'detach', 'commit', 'copy', 'archive-path', 'extract-to-dir', 'export', 'resize', 'top'],
  ...['mount', 'unmount'],
]);

/** Podman sends one after each health check, Docker one for each change. */
const HEALTH = 'health_status';

/** Returns an action without its details: Docker sends `exec_start: sh -c true` and `health_status: healthy`. */
const nameOf = (action: string): string => action.split(':')[0] ?? '';

interface EngineEvent {
  Action: string;
  Actor: { Attributes?: Record<string, string> };
}

export interface WatcherOptions {
  /** Gets why the engine does not work, while it does not. */
  problems: Problems;
  /** Gets the name and the version of the engine, while it works. */
  programs: Programs;
  log: Logger;
  /** How often all guests are inspected. */
  resyncMs?: number;
}

/** Keeps the guests' states current: follows the engine's events and reconnects after the engine was gone. */
export class Watcher {
  readonly #guests: Guests;
  readonly #problems: Problems;
  readonly #programs: Programs;
  readonly #log: Logger;
  readonly #resyncMs: number;
  readonly #closed = new AbortController();

  constructor(guests: Guests, { problems, programs, log, resyncMs = RESYNC_MS }: WatcherOptions) {
    this.#guests = guests;
    this.#problems = problems;
    this.#programs = programs;
    this.#log = log;
    this.#resyncMs = resyncMs;
  }

  /** Starts watching. Resolves once all states are known, or the first attempt to connect has failed. */
  start(): Promise<void> {
    return new Promise((resolve) => void this.#run(resolve));
  }

  close(): void {
    this.#closed.abort();
  }

  async #run(onFirstAttempt: () => void): Promise<void> {
    const { signal } = this.#closed;
    let logged = '';
    const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
    while (!signal.aborted) {
      try {
        await this.#session(() => {
          this.#problems.set('engine', undefined);
          void this.#noteVersion();
          onFirstAttempt();
          logged = '';
          backoff.reset();
        });
      } catch (error) {
        if (signal.aborted) break;
        this.#guests.markUnknown();
        this.#problems.set('engine', this.#guests.engine.problemOf(error));
        this.#programs.replace([]);
        const message = errorMessage(error);
        if (message !== logged) this.#log.warn(message);
        logged = message;
        await delay(backoff.next(), undefined, { signal }).catch(() => undefined);
      }
      onFirstAttempt();
    }
  }

  async #noteVersion(): Promise<void> {
    const program = await this.#guests.engine.about().catch(() => undefined);
    this.#programs.replace(program ? [program] : []);
  }

  /** Follows one stream of events to its end. */
  async #session(onConnected: () => void): Promise<void> {
    const { engine } = this.#guests;
    await engine.connect();
    // Subscribes before listing, so that no change between the two is missed.
    const events = (await engine.call((docker) =>
      docker.getEvents({ filters: { type: ['container'] }, abortSignal: this.#closed.signal }),
    )) as Readable;
    const resyncing = pLimit(1);
    const resync = setInterval(() => {
      if (resyncing.activeCount === 0) void resyncing(() => this.#resync(events));
    }, this.#resyncMs);
    try {
      await settleAll(this.#guests);
      await this.#guests.refreshAll();
      this.#log.info({ socket: engine.socket }, 'connected to the container engine');
      onConnected();
      for await (const line of readLines(events, MAX_LINE_BYTES)) this.#onEvent(line, events);
    } finally {
      clearInterval(resync);
      events.destroy();
    }
  }

  /** Ends the session of an engine that can no longer list its containers. */
  async #resync(events: Readable): Promise<void> {
    try {
      await this.#guests.refreshAll();
    } catch (error) {
      // With an error: without one, the reader of the events would wait for ever.
      events.destroy(error as Error);
    }
  }

  #onEvent(line: string, events: Readable): void {
    if (!line.trim()) return;
    const { Action, Actor } = JSON.parse(line) as EngineEvent;
    const id = Actor.Attributes?.[GUEST_LABEL];
    if (id === undefined || IRRELEVANT.has(nameOf(Action))) return;
    const isHealth = nameOf(Action) === HEALTH;
    const update = isHealth ? this.#guests.observe(id) : this.#guests.refresh(id);
    update.catch((error) => {
      // The change is lost, so the session ends: the next one reads all states.
      if (error instanceof NoEngineError) events.destroy(error);
      else this.#log.warn({ err: error, guest: id }, errorMessage(error));
    });
  }
}
