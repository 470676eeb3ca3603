import type { Metadata } from '../model/guest.js';
import { NEXT_START_HEADER, parseNextStart } from '../model/next-start.js';
import { type ConditionalOptions, ifMatchHeader } from './submit.js';
import { getTagged, type Tagged } from './tagged.js';
import type { CallOptions, Transport } from './transport.js';

export interface PatchedMetadata extends Tagged<Metadata> {
  /** The changed keys that a virtual machine gets at its next start. */
  nextStart?: string[];
}

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
  ): Promise<PatchedMetadata> {
    const { body, headers } = await this.#transport.send<Metadata>({
      method: 'PATCH',
      path: this.#path,
      query: { dryRun },
      headers: ifMatchHeader(ifMatch),
      body: patch,
      signal,
    });
    const nextStart = parseNextStart(headers[NEXT_START_HEADER.toLowerCase()] ?? '');
    return { body, etag: headers.etag ?? '', ...(nextStart.length > 0 ? { nextStart } : {}) };
  }
}
