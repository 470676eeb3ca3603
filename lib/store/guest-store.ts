import { isDeepStrictEqual } from 'node:util';
import { guestNotFound } from '../errors.js';
import type { Guest } from '../model/guest.js';
import { withIntent } from '../model/intent.js';
import type { Subject } from '../model/rights.js';
import { NO_KEYS, sealedKeys } from '../model/secrets.js';
import { Collection } from './nedb/collection.js';
import { OrderedIds } from './ordered-ids.js';
import { type Page, readPage } from './page.js';

type GuestListener = (change: 'created' | 'changed' | 'deleted', guest: Guest) => void;

/** Selects a page of the guests. */
export interface GuestPage {
  after?: number | undefined;
  limit?: number | undefined;
  where?: ((guest: Guest) => boolean) | undefined;
}

/** How many deleted guests the store remembers the tags of. */
const MAX_DELETED = 1000;

/** The guests of this host, by id. Treat the returned objects as frozen. */
export class GuestStore {
  readonly #collection: Collection<Guest>;
  readonly #ids = new OrderedIds();
  readonly #listeners: GuestListener[] = [];
  /** The guests last deleted, whose jobs and events their clients may still see. */
  readonly #deleted = new Map<string, Subject>();
  readonly #goesDown: () => boolean;

  private constructor(collection: Collection<Guest>, goesDown: () => boolean) {
    this.#collection = collection;
    this.#goesDown = goesDown;
    for (const { id } of collection.values()) this.#index(id);
  }

  /** @param goesDown whether the host goes down, so that guests' shutdowns are the host's */
  static async open(filename: string, goesDown: () => boolean = () => false): Promise<GuestStore> {
    return new GuestStore(await Collection.open<Guest>(filename), goesDown);
  }

  /** Returns all guests in the order of their creation. */
  list(): Guest[] {
    return this.#collection.values();
  }

  /**
   * Returns a page of the guests, in the order of their creation.
   * @param options `after` is the previous page's `next`; the page has only guests for which `where` is true
   */
  page({ after, limit = Number.POSITIVE_INFINITY, where }: GuestPage): Page<Guest> {
    // The most common request: the list needs no paging.
    if (after === undefined && limit >= this.#collection.size)
      return { items: where ? this.list().filter(where) : this.list() };
    return readPage(this.#ids, this.#ids.after(after), { limit, read: (id) => this.get(id), where });
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

  /** Returns what decides about the rights on a guest, also when it was deleted since the start or never existed. */
  subject(id: string): Subject {
    return this.#collection.get(id) ?? this.#deleted.get(id) ?? { id };
  }

  /** Returns the metadata keys of a guest whose values no client may read; none when the guest does not exist. */
  sealedKeys(id: string): ReadonlySet<string> {
    const metadata = this.#collection.get(id)?.metadata;
    return metadata ? sealedKeys(metadata) : NO_KEYS;
  }

  /** Stores a new guest. Returns false, and stores nothing, when its id is taken. */
  async insert(guest: Guest): Promise<boolean> {
    const inserted = await this.#collection.insert(guest.id, guest);
    if (!inserted) return false;
    this.#index(guest.id);
    this.#notify('created', guest);
    return true;
  }

  /**
   * Replaces a guest by the result of `change`, with what it is then meant to be: on or off. An equal result is not written, and no listener is notified.
   * @throws {AgentError} `not_found`
   */
  async update(id: string, change: (current: Guest) => Guest): Promise<Guest> {
    let before: Guest | undefined;
    const updated = await this.#collection.update(id, (current) => {
      before = current;
      const next = withIntent(change(current), this.#goesDown());
      return isDeepStrictEqual(next, current) ? current : next;
    });
    if (!updated) throw guestNotFound(id);
    if (updated !== before) this.#notify('changed', updated);
    return updated;
  }

  async remove(id: string): Promise<void> {
    const guest = this.find(id);
    await this.#collection.remove(id);
    this.#ids.delete(id);
    if (!guest) return;
    this.#remember(guest);
    this.#notify('deleted', guest);
  }

  /** Calls `listener` after each change, once it is on disk. */
  onChange(listener: GuestListener): void {
    this.#listeners.push(listener);
  }

  /** Rejects further writes. Resolves when the accepted ones are on disk. */
  close(): Promise<void> {
    return this.#collection.close();
  }

  #remember({ id, tags = [] }: Guest): void {
    this.#deleted.set(id, { id, tags });
    const [oldest] = this.#deleted.keys();
    if (this.#deleted.size > MAX_DELETED && oldest !== undefined) this.#deleted.delete(oldest);
  }

  #notify(...change: Parameters<GuestListener>): void {
    for (const listener of this.#listeners) listener(...change);
  }

  #index(id: string): void {
    this.#ids.add(id, this.#collection.orderOf(id) ?? 0);
  }
}
