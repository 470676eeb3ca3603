import pLimit, { type LimitFunction } from 'p-limit';
import type { ServiceClient } from '../../rpc/client/service-client.js';

/** A sub-agent: its client, and at most `maxPending` calls to it at the same time. */
export class Service {
  readonly name: string;
  readonly client: ServiceClient;
  /** Seconds; `undefined` when the config leaves it to the defaults. */
  readonly timeout: number | undefined;
  /** Runs a call when there is room for it. */
  readonly throttle: LimitFunction;

  constructor(name: string, client: ServiceClient, maxPending: number, timeout?: number) {
    this.name = name;
    this.client = client;
    this.timeout = timeout;
    this.throttle = pLimit(maxPending);
  }

  /** Calls that it has been given, and those that wait for room. */
  load(): { running: number; waiting: number } {
    return { running: this.throttle.activeCount, waiting: this.throttle.pendingCount };
  }
}
