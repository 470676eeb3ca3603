import type { Metadata } from '../model/guest.js';
import { patchMetadata, requireMetadataFits } from '../model/metadata.js';
import { Collection, plainCodec } from './collection.js';

/** The hypervisor's own metadata: a document per key. */
export class MetadataStore {
  readonly #collection: Collection<string>;

  private constructor(collection: Collection<string>) {
    this.#collection = collection;
  }

  static async open(filename: string): Promise<MetadataStore> {
    return new MetadataStore(await Collection.open(filename, plainCodec<string>()));
  }

  all(): Metadata {
    return Object.fromEntries(this.#collection.entries());
  }

  /** Sets keys; those set to `null` or `""` are removed. */
  async patch(patch: Record<string, string | null>): Promise<Metadata> {
    requireMetadataFits(patchMetadata(this.all(), patch));
    // All in one turn, so that they share a sync.
    const writes = Object.entries(patch).map(([key, value]) =>
      value ? this.#collection.put(key, value) : this.#collection.remove(key),
    );
    await Promise.all(writes);
    return this.all();
  }

  /** Takes no more writes; resolves when those that were taken are on disk. */
  close(): Promise<void> {
    return this.#collection.close();
  }
}
