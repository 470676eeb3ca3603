import type { Metadata } from '../model/guest.js';
import { type ConditionalOptions, ifMatchHeader } from './submit.js';
import { getTagged, type Tagged } from './tagged.js';
import type { CallOptions, Transport } from './transport.js';

/** The metadata of a guest, or of the hypervisor. */
export class MetadataOf {
  readonly #transport: Transport;
  readonly #path: string;

  constructor(transport: Transport, path: string) {
    this.#transport = transport;
    this.#path = path;
  }

  get(options?: CallOptions): Promise<Metadata> {
    return this.#transport.get(this.#path, {}, options);
  }

  getTagged(options?: CallOptions): Promise<Tagged<Metadata>> {
    return getTagged(this.#transport, this.#path, options);
  }

  /** @param patch keys to set; `null` or `""` removes a key */
  async patch(
    patch: Record<string, string | null>,
    { dryRun, ifMatch, signal }: ConditionalOptions = {},
  ): Promise<Tagged<Metadata>> {
    const { body, headers } = await this.#transport.send<Metadata>({
      method: 'PATCH',
      path: this.#path,
      query: { dryRun },
      headers: ifMatchHeader(ifMatch),
      body: patch,
      signal,
    });
    return { body, etag: headers.etag ?? '' };
  }
}
