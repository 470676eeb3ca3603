import type { History, HistoryRange } from '../model/history.js';
import type { HostDetails } from '../model/host-details.js';
import type { HostStatus } from '../model/host-status.js';
import type { ApiRequest, CallOptions, Transport } from './transport.js';

export interface HostDownOptions extends CallOptions {
  /** Seconds that each guest gets, 60 by default; a guest's own `autostart.shutdownTimeout` comes first. */
  timeout?: number | undefined;
  /** Cuts the power of guests that do not shut down in time. */
  force?: boolean | undefined;
  /** Saves the memory of guests instead of shutting them down; a guest's own `autostart.hostDown` comes first. */
  save?: boolean | undefined;
  /** Seconds to wait for the end; 0 by default. */
  wait?: number | undefined;
}

/** The host, and its guests all together. */
export class Host {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Returns the load and the room of the host, what it works with, and what is wrong. */
  get(options?: CallOptions): Promise<HostDetails> {
    return this.#transport.get('/host', {}, options);
  }

  /** Returns the load of the host over the last hour, day or month; its disks and NICs are those of the guests. */
  history(range: HistoryRange = 'hour', options?: CallOptions): Promise<History> {
    return this.#transport.get('/host/history', { range }, options);
  }

  /** Shuts down all guests because the host goes down. Joins a call before that has not ended. */
  down({ timeout, force, save, wait, signal }: HostDownOptions = {}): Promise<HostStatus> {
    return this.#post({
      path: '/host/down',
      query: { timeout, force, save, wait },
      waitSeconds: wait,
      signal,
    });
  }

  /** Starts guests as after a boot, when the host does not go down after all. */
  up({ signal }: CallOptions = {}): Promise<HostStatus> {
    return this.#post({ path: '/host/up', signal });
  }

  async #post(request: Omit<ApiRequest, 'method'>): Promise<HostStatus> {
    return (await this.#transport.send<HostStatus>({ method: 'POST', ...request })).body;
  }
}
