import pLimit from 'p-limit';
import type { Metadata } from '../model/guest.js';
import { patchMetadata, requireMetadataFits } from '../model/metadata.js';
import { Collection } from './nedb/collection.js';

/** The hypervisor's own metadata: a document per key. What it gives out is to be treated as frozen. */
export class MetadataStore {
  readonly #collection: Collection<string>;
  /** A patch is checked against what the one before it has left. */
  readonly #inTurn = pLimit(1);
  #all: Metadata;

  private constructor(collection: Collection<string>) {
    this.#collection = collection;
    this.#all = Object.fromEntries(collection.entries());
  }

  static async open(filename: string): Promise<MetadataStore> {
    return new MetadataStore(await Collection.open<string>(filename));
  }

  all(): Metadata {
    return this.#all;
  }

  /**
   * Sets keys; those set to `null` or `""` are removed.
   * @param check refuses the patch, by throwing, for what there is before it
   */
  patch(
    patch: Record<string, string | null>,
    check: (current: Metadata) => void = () => {},
  ): Promise<Metadata> {
    return this.#inTurn(async () => {
      check(this.#all);
      requireMetadataFits(patchMetadata(this.#all, patch));
      try {
        await this.#write(patch);
      } finally {
        // Of keys that are written one by one, some may be there when others could not be.
        this.#all = Object.fromEntries(this.#collection.entries());
      }
      return this.#all;
    });
  }

  /** Takes no more writes; resolves when those that were taken are on disk. */
  close(): Promise<void> {
    return this.#collection.close();
  }

  /** All in one turn, so that they share a sync, and its failure. */
  async #write(patch: Record<string, string | null>): Promise<void> {
    const writes = Object.entries(patch).map(([key, value]) =>
      value ? this.#collection.put(key, value) : this.#collection.remove(key),
    );
    await Promise.all(writes);
  }
}
