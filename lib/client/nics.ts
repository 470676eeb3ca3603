import type { Guest } from '../model/guest.js';
import type { NicPatch, NicSpec } from '../model/nic-changes.js';
import { path } from './path.js';
import { type Accepted, type ConditionalOptions, type JobOptions, submit } from './submit.js';
import type { Transport } from './transport.js';

export type NicOptions = JobOptions & ConditionalOptions;

/** The NICs of a guest, which change while it runs. */
export class GuestNics {
  readonly #transport: Transport;
  readonly #path: string;

  constructor(transport: Transport, guestId: string) {
    this.#transport = transport;
    this.#path = path`/guests/${guestId}/nics`;
  }

  add(nic: NicSpec, options?: NicOptions): Promise<Accepted<Guest>> {
    return submit(this.#transport, { method: 'POST', path: this.#path, body: nic }, options);
  }

  change(name: string, patch: NicPatch, options?: NicOptions): Promise<Accepted<Guest>> {
    const request = { method: 'PATCH', path: this.#path + path`/${name}`, body: patch } as const;
    return submit(this.#transport, request, options);
  }

  remove(name: string, options?: NicOptions): Promise<Accepted<Guest>> {
    return submit(this.#transport, { method: 'DELETE', path: this.#path + path`/${name}` }, options);
  }
}
