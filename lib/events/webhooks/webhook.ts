import pRetry, { type Options as RetryOptions } from 'p-retry';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { type Batch, type EventFilter, type HostEvent, passes } from '../../model/event.js';
import type { EventLog } from '../event-log.js';
import type { Cursor } from './cursor.js';
import { post, type Receiver, RefusedError } from './post.js';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** What is being posted at the stop may be taken still, so that it is not posted again after the next start. */
const GRACE_MS = 2000;

export interface WebhookOptions {
  receiver: Receiver;
  filter: EventFilter;
  events: EventLog;
  cursor: Cursor;
  log: Logger;
  firstRetryMs?: number | undefined;
}

const bodyOf = ({ id, time, happening }: HostEvent): string =>
  JSON.stringify({ event: id, time, ...happening });

const bodyOfMissed = (missed: NonNullable<Batch['missed']>): string =>
  JSON.stringify({ event: missed.before - 1, time: new Date().toISOString(), kind: 'missed', ...missed });

/**
 * Posts events to one receiver, in order and each until it is taken. What it has yet to post is in the event log, so
 * it holds nothing in memory; a receiver that is away for longer than the log reaches back is told what it missed.
 */
export class Webhook {
  readonly #options: WebhookOptions;
  readonly #log: Logger;
  readonly #abandoned = new AbortController();
  #isFailing = false;

  constructor(options: WebhookOptions) {
    this.#options = options;
    // The rest of the URL may have a password in it.
    this.#log = options.log.child({ webhook: new URL(options.receiver.url).origin });
  }

  /** Posts until `stop` is aborted or the events are closed. */
  async run(stop: AbortSignal): Promise<void> {
    const { events, cursor } = this.#options;
    const ended = AbortSignal.any([stop, events.closed]);
    ended.addEventListener('abort', () => setTimeout(() => this.#abandoned.abort(), GRACE_MS).unref());
    try {
      while (!ended.aborted) {
        const batch = await pRetry(() => events.read(cursor.after), this.#forever(ended));
        await this.#take(batch, ended);
        if (batch.events.length === 0) await events.wait(cursor.after, ended);
      }
    } catch (error) {
      if (!ended.aborted) this.#log.error({ err: error }, 'events are no longer posted');
    }
  }

  #forever(signal: AbortSignal): RetryOptions {
    const { firstRetryMs = FIRST_RETRY_MS } = this.#options;
    return {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: firstRetryMs,
      maxTimeout: Math.max(firstRetryMs, LONGEST_RETRY_MS),
      randomize: true,
      signal,
      onFailedAttempt: ({ error }) => this.#complain(error),
    };
  }

  async #take({ missed, events }: Batch, ended: AbortSignal): Promise<void> {
    const { filter } = this.#options;
    if (missed && !(await this.#deliver(missed.before - 1, bodyOfMissed(missed), ended))) return;
    for (const event of events) {
      if (!passes(event, filter)) continue;
      if (!(await this.#deliver(event.id, bodyOf(event), ended))) return;
    }
    const last = events.at(-1);
    if (last) await this.#arriveAt(last.id);
  }

  /** False when the event is no longer in the log, and neither are those before it. */
  async #deliver(id: number, body: string, ended: AbortSignal): Promise<boolean> {
    const { receiver, events } = this.#options;
    const isKept = (): boolean => id >= events.after;
    try {
      const attempt = async (): Promise<void> => {
        await post(receiver, body, this.#abandoned.signal);
        await this.#arriveAt(id);
      };
      await pRetry(attempt, {
        ...this.#forever(ended),
        shouldRetry: ({ error }) => !(error instanceof RefusedError && error.isFinal) && isKept(),
      });
      if (this.#isFailing) this.#log.info('events are posted again');
      this.#isFailing = false;
    } catch (error) {
      ended.throwIfAborted();
      if (!isKept()) return false;
      this.#log.warn({ event: id }, `an event is passed over: ${errorMessage(error)}`);
      await this.#arriveAt(id);
    }
    return true;
  }

  /** A cursor that cannot be written costs no more than a repeat after a restart. */
  async #arriveAt(id: number): Promise<void> {
    const { cursor } = this.#options;
    await cursor.save(id).catch((error: unknown) => {
      this.#log.warn(`how far it has come cannot be kept: ${errorMessage(error)}`);
    });
  }

  #complain(error: Error): void {
    if (!this.#isFailing)
      this.#log.warn(`events cannot be posted, it is tried again: ${errorMessage(error)}`);
    this.#isFailing = true;
  }
}
