import type { Image } from '../model/image.js';
import { Images } from './images.js';
import { path } from './path.js';
import { type Accepted, type JobOptions, submit } from './submit.js';
import type { CallOptions, Download, Transport } from './transport.js';

/** The container images, which a container engine stores. */
export class ContainerImages extends Images {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super(transport, '/container_images');
    this.#transport = transport;
  }

  /** Opens an image as a tar archive. */
  download(id: string, { signal }: CallOptions = {}): Promise<Download> {
    return this.#transport.download({ method: 'GET', path: path`/container_images/${id}/download`, signal });
  }

  /** Deletes the images that no container was made from. A dry run lists them. */
  prune(options?: JobOptions): Promise<Accepted<{ images: Image[] }>> {
    return submit(this.#transport, { method: 'POST', path: '/container_images/prune' }, options);
  }
}
