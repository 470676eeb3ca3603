import type { NewVolume, Volume } from '../model/volume.js';
import { List } from './pages.js';
import { path } from './path.js';
import { type Accepted, type JobOptions, submit } from './submit.js';
import type { CallOptions, Transport } from './transport.js';

/** The named volumes of containers. */
export class Volumes extends List<Volume> {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super(transport, '/volumes');
    this.#transport = transport;
  }

  /** Returns a volume, with what it takes on the disk. */
  get(name: string, options?: CallOptions): Promise<Volume> {
    return this.#transport.get(path`/volumes/${name}`, {}, options);
  }

  create(volume: NewVolume, options?: JobOptions): Promise<Accepted<Volume[]>> {
    return submit(this.#transport, { method: 'POST', path: '/volumes', body: volume }, options);
  }

  /** Deletes a volume that no guest uses, with its files. */
  delete(name: string, options?: JobOptions): Promise<Accepted<Volume[]>> {
    return submit(this.#transport, { method: 'DELETE', path: path`/volumes/${name}` }, options);
  }
}
