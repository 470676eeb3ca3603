import { createParser } from '/console/vendor/eventsource-parser/index.js';
import { MistifyError } from '../../client/errors.js';
import type { EventBody } from '../../model/event.js';
import { Backoff } from '../../portable/backoff.js';
import { sendRequest } from './api.js';

/** The agent sends at least a comment every 15 seconds. */
const SILENCE_MS = 40_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;

export interface EventListener {
  onEvent: (event: EventBody) => void;
  /** Called when the lists must be read again: on the first connection, and after missed events. */
  onStale: () => void;
  onConnected: () => void;
  /** @param error absent when the agent ended the stream */
  onBroken: (error?: MistifyError) => void;
}

/** Browsers allow few connections per host, so a hidden page gives up its own. */
const HIDDEN_MS = 30_000;

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const whenVisible = (): Promise<void> =>
  new Promise((resolve) => {
    const check = (): void => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', check);
      resolve();
    };
    document.addEventListener('visibilitychange', check);
    check();
  });

/**
 * Calls back once the page has been hidden for `HIDDEN_MS`.
 * @returns a function that stops watching
 */
const onHidden = (callback: () => void): (() => void) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const check = (): void => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(callback, HIDDEN_MS);
  };
  document.addEventListener('visibilitychange', check);
  check();
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', check);
  };
};

/** Follows the agent's events while the page is open. Uses fetch, because an EventSource cannot send a token. */
export class Events {
  readonly #listener: EventListener;
  readonly #backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
  #lastId: string | undefined;

  constructor(listener: EventListener) {
    this.#listener = listener;
  }

  /**
   * Reconnects for ever.
   * @throws {MistifyError} 401 or 403 when the agent refuses the page
   */
  async follow(): Promise<never> {
    for (;;) {
      await whenVisible();
      try {
        await this.#connect();
        this.#listener.onBroken();
      } catch (error) {
        const reason =
          error instanceof MistifyError ? error : new MistifyError(0, 'The connection was lost.');
        if (reason.status === 401 || reason.status === 403) throw reason;
        if (document.hidden) continue;
        this.#listener.onBroken(reason);
      }
      await delay(this.#backoff.next());
    }
  }

  async #connect(): Promise<void> {
    const connection = new AbortController();
    const disconnect = (): void => connection.abort();
    const stopWatching = onHidden(disconnect);
    try {
      await this.#read(connection.signal, disconnect);
    } finally {
      stopWatching();
    }
  }

  async #read(signal: AbortSignal, disconnect: () => void): Promise<void> {
    const response = await sendRequest('GET', '/events', {
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
        else this.#listener.onEvent(JSON.parse(data) as EventBody);
      },
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const watchdog = setTimeout(disconnect, SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(watchdog));
      if (done) return;
      this.#backoff.reset();
      parser.feed(value);
    }
  }
}
