import { isDeepStrictEqual } from 'node:util';
import { guestNotFound } from '../errors.js';
import type { Guest } from '../model/guest.js';
import { Collection } from './nedb/collection.js';
import { OrderedIds } from './ordered-ids.js';
import { type Page, readPage } from './page.js';

type GuestListener = (change: 'created' | 'changed' | 'deleted', guest: Guest) => void;

/** The guests of this host, by id. What it gives out is to be treated as frozen. */
export class GuestStore {
  readonly #collection: Collection<Guest>;
  readonly #ids = new OrderedIds();
  readonly #listeners: GuestListener[] = [];

  private constructor(collection: Collection<Guest>) {
    this.#collection = collection;
    for (const { id } of collection.values()) this.#index(id);
  }

  static async open(filename: string): Promise<GuestStore> {
    return new GuestStore(await Collection.open<Guest>(filename));
  }

  /** In the order they were created in. */
  list(): Guest[] {
    return this.#collection.values();
  }

  /**
   * In the order they were created in.
   * @param after the place that the page before it ended with
   */
  page({
    after,
    limit = Number.POSITIVE_INFINITY,
  }: {
    after?: number | undefined;
    limit?: number | undefined;
  }): Page<Guest> {
    // The whole list is what is asked for most, and is at hand.
    if (after === undefined && limit >= this.#collection.size) return { items: this.list() };
    return readPage(this.#ids, this.#ids.after(after), limit, (id) => this.get(id));
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
  async insert(guest: Guest): Promise<boolean> {
    const inserted = await this.#collection.insert(guest.id, guest);
    if (inserted) this.#index(guest.id);
    if (inserted) this.#tell('created', guest);
    return inserted;
  }

  /**
   * Replaces a guest by what `change` makes of it; one that is the same as before is not written, and nobody is told.
   * @throws {AgentError} `not_found`
   */
  async update(id: string, change: (current: Guest) => Guest): Promise<Guest> {
    let before: Guest | undefined;
    const updated = await this.#collection.update(id, (current) => {
      before = current;
      const next = change(current);
      return isDeepStrictEqual(next, current) ? current : next;
    });
    if (!updated) throw guestNotFound(id);
    if (updated !== before) this.#tell('changed', updated);
    return updated;
  }

  async remove(id: string): Promise<void> {
    const guest = this.find(id);
    await this.#collection.remove(id);
    this.#ids.delete(id);
    if (guest) this.#tell('deleted', guest);
  }

  /** Has `listener` told of each change, once it is on disk. */
  onChange(listener: GuestListener): void {
    this.#listeners.push(listener);
  }

  /** Takes no more writes; resolves when those that were taken are on disk. */
  close(): Promise<void> {
    return this.#collection.close();
  }

  #tell(...told: Parameters<GuestListener>): void {
    for (const listener of this.#listeners) listener(...told);
  }

  #index(id: string): void {
    this.#ids.add(id, this.#collection.orderOf(id) ?? 0);
  }
}
