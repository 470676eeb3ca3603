import type { FleetHost, FleetHostDetails } from '../model/fleet-host.js';
import { path } from './path.js';
import type { CallOptions, Transport } from './transport.js';

/** The hosts of the fleet. */
export class Hosts {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(options?: CallOptions): Promise<FleetHost[]> {
    return this.#transport.get('/hosts', {}, options);
  }

  /** Returns a host with what tells whether it is there. */
  get(id: string, options?: CallOptions): Promise<FleetHostDetails> {
    return this.#transport.get(path`/hosts/${id}`, {}, options);
  }

  /** Forgets a host that will not return. */
  async forget(id: string, { signal }: CallOptions = {}): Promise<FleetHost> {
    return (await this.#transport.send<FleetHost>({ method: 'DELETE', path: path`/hosts/${id}`, signal }))
      .body;
  }
}
