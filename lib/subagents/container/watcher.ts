import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { linesOf } from '../../async/lines.js';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { GUEST_LABEL } from './definition.js';
import type { Containers } from './guests.js';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5000;
/** Should an event ever get lost: how long a state may be wrong at most. */
const RESYNC_MS = 30_000;
/** The engine's events are some kB: the labels of a container are in them. */
const MAX_LINE_BYTES = 2 ** 20;

/** What does not change a container's state, and may come every second: health checks are run by `exec`. */
const IRRELEVANT = /^(exec_|health_status|attach|resize|top|export)/;

interface EngineEvent {
  Action: string;
  Actor: { Attributes?: Record<string, string> };
}

/** Keeps the states of the guests true: follows the engine's events, and finds the engine again when it was gone. */
export class Watcher {
  readonly #containers: Containers;
  readonly #log: Logger;
  readonly #resyncMs: number;
  readonly #closed = new AbortController();

  constructor(containers: Containers, log: Logger, resyncMs = RESYNC_MS) {
    this.#containers = containers;
    this.#log = log;
    this.#resyncMs = resyncMs;
  }

  /** Starts to watch. Resolves when all guests are known, or when it is known that no engine answers. */
  start(): Promise<void> {
    return new Promise((resolve) => void this.#run(resolve));
  }

  close(): void {
    this.#closed.abort();
  }

  async #run(settled: () => void): Promise<void> {
    const { signal } = this.#closed;
    let said = '';
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.#session(() => {
          settled();
          said = '';
          retryMs = FIRST_RETRY_MS;
        });
      } catch (error) {
        if (signal.aborted) break;
        this.#containers.lose();
        const message = errorMessage(error);
        if (message !== said) this.#log.warn(message);
        said = message;
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
      settled();
    }
  }

  /** One stream of events from its beginning to its end. */
  async #session(begun: () => void): Promise<void> {
    const { engine } = this.#containers;
    await engine.connect();
    // Before the list, so that nothing happens unseen between the two.
    const events = (await engine.call((docker) =>
      docker.getEvents({ filters: { type: ['container'] }, abortSignal: this.#closed.signal }),
    )) as Readable;
    const resync = setInterval(() => void this.#resync(events), this.#resyncMs);
    try {
      await this.#containers.refreshAll();
      this.#log.info({ socket: engine.socket }, 'connected to the container engine');
      begun();
      for await (const line of linesOf(events, MAX_LINE_BYTES)) this.#take(line);
    } finally {
      clearInterval(resync);
      events.destroy();
    }
  }

  /** An engine that cannot tell its containers any more is as good as gone. */
  async #resync(events: Readable): Promise<void> {
    try {
      await this.#containers.refreshAll();
    } catch (error) {
      // With the error, which is then that of whoever reads it: without one they would wait for ever.
      events.destroy(error as Error);
    }
  }

  #take(line: string): void {
    if (!line.trim()) return;
    const { Action, Actor } = JSON.parse(line) as EngineEvent;
    const id = Actor.Attributes?.[GUEST_LABEL];
    if (id === undefined || IRRELEVANT.test(Action)) return;
    this.#containers
      .refresh(id)
      .catch((error) => this.#log.warn({ err: error, guest: id }, errorMessage(error)));
  }
}
