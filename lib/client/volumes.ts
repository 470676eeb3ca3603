import type { Readable } from 'node:stream';
import type { NewVolume, Volume, VolumePrune } from '../model/volume.js';
import { List } from './pages.js';
import { path } from './path.js';
import { type Accepted, type JobOptions, submit } from './submit.js';
import type { CallOptions, Download, Transport } from './transport.js';

/** How long an archive may take to arrive and to be unpacked. */
const UPLOAD_SECONDS = 24 * 60 * 60;

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

  /** Deletes the volumes that no container and no guest uses, all or some. A dry run lists them. */
  prune(which: VolumePrune = {}, options?: JobOptions): Promise<Accepted<Volume[]>> {
    return submit(this.#transport, { method: 'POST', path: '/volumes/prune', body: which }, options);
  }

  /** Streams the files of a volume as a tar archive. */
  download(name: string, { signal }: CallOptions = {}): Promise<Download> {
    return this.#transport.download({ method: 'GET', path: path`/volumes/${name}/download`, signal });
  }

  /** Creates a volume with the files of a tar archive. */
  async upload(name: string, bytes: Readable, { signal }: CallOptions = {}): Promise<Volume[]> {
    const { body } = await this.#transport.upload<Volume[]>({
      ...{ method: 'POST', path: path`/volumes/${name}/upload`, body: bytes, signal },
      headers: { 'Content-Type': 'application/octet-stream' },
      waitSeconds: UPLOAD_SECONDS,
    });
    return body;
  }
}
