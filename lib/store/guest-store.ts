import { guestNotFound } from '../errors.js';
import type { Guest } from '../model/guest.js';
import { type Codec, Collection } from './collection.js';

type StoredGuest = Omit<Guest, 'metadata'> & { metadata?: [string, string][] };

/** Metadata keys are the users' own, so they cannot be field names in NeDB. */
const codec: Codec<Guest> = {
  encode: ({ metadata, ...guest }): StoredGuest => ({
    ...guest,
    ...(metadata ? { metadata: Object.entries(metadata) } : {}),
  }),
  decode: (stored) => {
    const { metadata, ...guest } = stored as StoredGuest;
    return { ...guest, ...(metadata ? { metadata: Object.fromEntries(metadata) } : {}) };
  },
};

/** The guests of this host, by id. What it gives out is to be treated as frozen. */
export class GuestStore {
  readonly #collection: Collection<Guest>;

  private constructor(collection: Collection<Guest>) {
    this.#collection = collection;
  }

  static async open(filename: string): Promise<GuestStore> {
    return new GuestStore(await Collection.open(filename, codec));
  }

  /** In the order they were created in. */
  list(): Guest[] {
    return this.#collection.values();
  }

  find(id: string): Guest | undefined {
    return this.#collection.get(id);
  }

  /** @throws {AgentError} `not_found` */
  get(id: string): Guest {
    const guest = this.#collection.get(id);
    if (!guest) throw guestNotFound(id);
    return guest;
  }

  /** False, and nothing stored, when the id is taken. */
  insert(guest: Guest): Promise<boolean> {
    return this.#collection.insert(guest.id, guest);
  }

  /**
   * Replaces a guest by what `change` makes of it.
   * @throws {AgentError} `not_found`
   */
  async update(id: string, change: (current: Guest) => Guest): Promise<Guest> {
    const updated = await this.#collection.update(id, change);
    if (!updated) throw guestNotFound(id);
    return updated;
  }

  remove(id: string): Promise<void> {
    return this.#collection.remove(id);
  }

  /** Takes no more writes; resolves when those that were taken are on disk. */
  close(): Promise<void> {
    return this.#collection.close();
  }
}
