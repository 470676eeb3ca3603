import { createParser } from '/console/vendor/eventsource-parser/index.js';
import type { Happening } from '../../model/event.js';
import { ApiError, open } from './api.js';
import { Pauses } from './pauses.js';

/** The agent sends a line every 15 seconds. */
const SILENCE_MS = 40_000;

export interface EventListener {
  onEvent: (happening: Happening) => void;
  /** Lists have to be read anew: at first, and when events were missed. */
  onStale: () => void;
  onConnected: () => void;
  /** @param error absent when the agent ended the stream */
  onBroken: (error?: ApiError) => void;
}

/** Browsers have few connections to one host: of a page that nobody looks at, this one is given back. */
const HIDDEN_MS = 30_000;

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const isLookedAt = (): Promise<void> =>
  new Promise((resolve) => {
    const check = (): void => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', check);
      resolve();
    };
    document.addEventListener('visibilitychange', check);
    check();
  });

/** Calls it off once the page has not been looked at for a while; until what it returns is called. */
const whenForgotten = (callOff: () => void): (() => void) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const check = (): void => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(callOff, HIDDEN_MS);
  };
  document.addEventListener('visibilitychange', check);
  check();
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', check);
  };
};

/**
 * Follows what happens on the host for as long as the page is open. It is a stream of fetch's: an EventSource cannot
 * say who it is.
 */
export class Events {
  readonly #listener: EventListener;
  readonly #pauses = new Pauses();
  #lastId: string | undefined;

  constructor(listener: EventListener) {
    this.#listener = listener;
  }

  /** Resolves when the agent wants to know who it is. */
  async follow(): Promise<void> {
    for (;;) {
      await isLookedAt();
      try {
        await this.#connect();
        this.#listener.onBroken();
      } catch (error) {
        const reason = error instanceof ApiError ? error : new ApiError(0, 'The connection was lost.');
        if (reason.status === 401 || reason.status === 403) throw reason;
        if (document.hidden) continue;
        this.#listener.onBroken(reason);
      }
      await delay(this.#pauses.next());
    }
  }

  async #connect(): Promise<void> {
    const connection = new AbortController();
    const callOff = (): void => connection.abort();
    const remembered = whenForgotten(callOff);
    try {
      await this.#read(connection.signal, callOff);
    } finally {
      remembered();
    }
  }

  async #read(signal: AbortSignal, callOff: () => void): Promise<void> {
    const response = await open('GET', '/events', {
      signal,
      headers: this.#lastId === undefined ? {} : { 'Last-Event-ID': this.#lastId },
    });
    if (!response.body) return;
    this.#listener.onConnected();
    if (this.#lastId === undefined) this.#listener.onStale();
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        if (id !== undefined) this.#lastId = id;
        if (event === 'missed') this.#listener.onStale();
        else this.#listener.onEvent(JSON.parse(data) as Happening);
      },
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const watchdog = setTimeout(callOff, SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(watchdog));
      if (done) return;
      this.#pauses.reset();
      parser.feed(value);
    }
  }
}
