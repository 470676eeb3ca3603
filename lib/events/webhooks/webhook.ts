import pRetry, { type Options as RetryOptions } from 'p-retry';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import {
  type EventBatch,
  type EventFilter,
  eventIn,
  type HostEvent,
  matchesFilter,
  type SealedNow,
} from '../../model/event.js';
import { CLOSED_VIEW } from '../../model/secrets.js';
import type { EventLog } from '../event-log.js';
import type { Cursor } from './cursor.js';
import { post, type Receiver, RejectedError } from './post.js';

const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;
/** How long a request may continue after the stop, so that its event is not posted again after the next start. */
const GRACE_MS = 2000;

export interface WebhookOptions {
  receiver: Receiver;
  filter: EventFilter;
  events: EventLog;
  sealedNow: SealedNow;
  cursor: Cursor;
  log: Logger;
  firstRetryMs?: number | undefined;
}

/** Receivers get no secrets; a client that needs them can read the guest. */
const bodyOf = (event: HostEvent, sealedNow: SealedNow): string => {
  const { id, time, body } = eventIn(CLOSED_VIEW, event, sealedNow);
  return JSON.stringify({ event: id, time, ...body });
};

const bodyOfMissed = (missed: NonNullable<EventBatch['missed']>): string =>
  JSON.stringify({ event: missed.before - 1, time: new Date().toISOString(), kind: 'missed', ...missed });

/**
 * Posts events to one receiver, in order, each until the receiver accepts it. Undelivered events stay in the event log,
 * not in memory. A receiver that is down for longer than the log reaches back gets a `missed` event instead.
 */
export class Webhook {
  readonly #options: WebhookOptions;
  readonly #log: Logger;
  readonly #abandoned = new AbortController();
  #isFailing = false;

  constructor(options: WebhookOptions) {
    this.#options = options;
    // Logs the origin alone: the rest of the URL may contain a password.
    this.#log = options.log.child({ webhook: new URL(options.receiver.url).origin });
  }

  /** Posts until `stop` is aborted or the event log closes. */
  async run(stop: AbortSignal): Promise<void> {
    const { events, cursor } = this.#options;
    const ended = AbortSignal.any([stop, events.closed]);
    ended.addEventListener('abort', () => setTimeout(() => this.#abandoned.abort(), GRACE_MS).unref());
    try {
      while (!ended.aborted) {
        const batch = await pRetry(() => events.read(cursor.after), this.#retryOptions(ended));
        await this.#deliverBatch(batch, ended);
        if (batch.events.length === 0) await events.wait(cursor.after, ended);
      }
    } catch (error) {
      if (!ended.aborted) this.#log.error({ err: error }, 'webhook stopped by an unexpected error');
    }
  }

  #retryOptions(signal: AbortSignal): RetryOptions {
    const { firstRetryMs = FIRST_RETRY_MS } = this.#options;
    return {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: firstRetryMs,
      maxTimeout: Math.max(firstRetryMs, MAX_RETRY_MS),
      randomize: true,
      signal,
      onFailedAttempt: ({ error }) => this.#logFailure(error),
    };
  }

  async #deliverBatch({ missed, events }: EventBatch, ended: AbortSignal): Promise<void> {
    const { filter, sealedNow } = this.#options;
    if (missed && !(await this.#deliver(missed.before - 1, () => bodyOfMissed(missed), ended))) return;
    for (const event of events) {
      if (!matchesFilter(event, filter)) continue;
      if (!(await this.#deliver(event.id, () => bodyOf(event, sealedNow), ended))) return;
    }
    const last = events.at(-1);
    if (last) await this.#advance(last.id);
  }

  /**
   * Posts one event until the receiver accepts it, or rejects it for good.
   * @param bodyNow makes the body of each attempt: a key may be sealed between two
   * @returns false when the log no longer keeps the event: the batch is outdated
   */
  async #deliver(id: number, bodyNow: () => string, ended: AbortSignal): Promise<boolean> {
    const { receiver, events } = this.#options;
    const isKept = (): boolean => id >= events.after;
    try {
      const attempt = async (): Promise<void> => {
        await post(receiver, bodyNow(), this.#abandoned.signal);
        await this.#advance(id);
      };
      await pRetry(attempt, {
        ...this.#retryOptions(ended),
        shouldRetry: ({ error }) => !(error instanceof RejectedError && error.isFinal) && isKept(),
      });
      if (this.#isFailing) this.#log.info('webhook delivery recovered');
      this.#isFailing = false;
    } catch (error) {
      ended.throwIfAborted();
      if (!isKept()) return false;
      this.#log.warn({ event: id }, `event skipped: ${errorMessage(error)}`);
      await this.#advance(id);
    }
    return true;
  }

  /** Saves the cursor. After a failure, a restart only repeats a delivery. */
  async #advance(id: number): Promise<void> {
    const { cursor } = this.#options;
    await cursor.save(id).catch((error: unknown) => {
      this.#log.warn(`webhook cursor not written: ${errorMessage(error)}`);
    });
  }

  #logFailure(error: Error): void {
    if (!this.#isFailing) this.#log.warn(`webhook delivery failed, retrying: ${errorMessage(error)}`);
    this.#isFailing = true;
  }
}
