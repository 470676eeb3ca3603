import type { Image, ImageFetch } from '../model/image.js';
import { List } from './pages.js';
import { path } from './path.js';
import { type Accepted, type JobOptions, submit } from './submit.js';
import type { CallOptions, Transport } from './transport.js';

export interface ImagesFilter {
  /** `container` for container images, any other value for disk images; both by default. */
  type?: string | undefined;
}

/** The images under one path of the API. */
export class Images<Filter extends object = object> extends List<Image, Filter> {
  readonly #transport: Transport;
  readonly #path: '/images' | '/container_images';

  constructor(transport: Transport, store: '/images' | '/container_images') {
    super(transport, store);
    this.#transport = transport;
    this.#path = store;
  }

  get(id: string, options?: CallOptions): Promise<Image> {
    return this.#transport.get(this.#path + path`/${id}`, {}, options);
  }

  /** Fetches an image, or makes one of a guest's disk. */
  fetch(image: ImageFetch, options?: JobOptions): Promise<Accepted<{ images: Image[] }>> {
    return submit(this.#transport, { method: 'POST', path: this.#path, body: image }, options);
  }

  delete(id: string, options?: JobOptions): Promise<Accepted<object>> {
    return submit(this.#transport, { method: 'DELETE', path: this.#path + path`/${id}` }, options);
  }
}
