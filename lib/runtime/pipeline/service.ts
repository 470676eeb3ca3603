import pLimit, { type LimitFunction } from 'p-limit';
import type { ServiceClient } from '../../rpc/client/service-client.js';

/** A configured service: the client of its sub-agent, limited to `maxPending` calls at a time. */
export class Service {
  readonly name: string;
  readonly client: ServiceClient;
  /** Seconds; `undefined` when the config leaves it to the action kind's default. */
  readonly timeout: number | undefined;
  /** Runs a call once fewer than `maxPending` others are running. */
  readonly throttle: LimitFunction;

  constructor(name: string, client: ServiceClient, maxPending: number, timeout?: number) {
    this.name = name;
    this.client = client;
    this.timeout = timeout;
    this.throttle = pLimit(maxPending);
  }

  /** Counts the calls sent to the sub-agent, and those waiting to be sent. */
  load(): { running: number; waiting: number } {
    return { running: this.throttle.activeCount, waiting: this.throttle.pendingCount };
  }
}
