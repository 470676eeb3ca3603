import pLimit from 'p-limit';
import type { Metadata } from '../model/guest.js';
import { applyMetadataPatch, requireMetadataFits } from '../model/metadata.js';
import { Collection } from './nedb/collection.js';

/** The hypervisor's own metadata, one document per key. Treat the returned objects as frozen. */
export class MetadataStore {
  readonly #collection: Collection<string>;
  /** Each patch is checked against the result of the one before. */
  readonly #turns = pLimit(1);
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
   * Sets keys, and removes those set to `null` or `""`.
   * @param check throws to reject the patch, given the metadata before it
   * @returns all metadata after the patch
   */
  patch(
    patch: Record<string, string | null>,
    check: (current: Metadata) => void = () => {},
  ): Promise<Metadata> {
    return this.#turns(async () => {
      check(this.#all);
      requireMetadataFits(applyMetadataPatch(this.#all, patch));
      await this.#collection.putAll(
        new Map(Object.entries(patch).map(([key, value]) => [key, value || undefined])),
      );
      this.#all = Object.fromEntries(this.#collection.entries());
      return this.#all;
    });
  }

  /** Rejects further writes. Resolves when the accepted ones are on disk. */
  close(): Promise<void> {
    return this.#collection.close();
  }
}
