import pLimit, { type LimitFunction } from 'p-limit';
import type { ServiceClient } from '../../rpc/client/service-client.js';

/** The most downloads of one service at a time. A slow one leaves room for other calls, deletes above all. */
const MAX_DOWNLOADS = 4;

/** A configured service: the client of its sub-agent, limited to `maxPending` calls at a time. */
export class Service {
  readonly name: string;
  readonly client: ServiceClient;
  /** Seconds; `undefined` when the config leaves it to the action kind's default. */
  readonly timeout: number | undefined;
  /** Runs a call once fewer than `maxPending` others are running. */
  readonly throttle: LimitFunction;
  readonly #downloads: LimitFunction;

  constructor(name: string, client: ServiceClient, maxPending: number, timeout?: number) {
    this.name = name;
    this.client = client;
    this.timeout = timeout;
    this.throttle = pLimit(maxPending);
    this.#downloads = pLimit(Math.min(MAX_DOWNLOADS, Math.ceil(maxPending / 2)));
  }

  /** As `throttle`, for a call that may take as long as a download: at most half of `maxPending` run. */
  throttleDownload<T>(call: () => Promise<T>): Promise<T> {
    return this.#downloads(() => this.throttle(call));
  }

  /** Counts the calls sent to the sub-agent, and those waiting to be sent. */
  load(): { running: number; waiting: number } {
    return {
      running: this.throttle.activeCount,
      waiting: this.throttle.pendingCount + this.#downloads.pendingCount,
    };
  }
}
