import { nextLink } from '../portable/next-link.js';
import { type CallOptions, notAnAgent, type Transport } from './transport.js';

/** Selects a part of a list. */
export interface ListOptions<Field extends string = string> extends CallOptions {
  /** How many items to return at most; all by default. */
  limit?: number | undefined;
  /** The `next` of the previous page. */
  cursor?: string | undefined;
  /** The keys of each item to return; all by default. */
  fields?: readonly Field[] | undefined;
}

export interface Page<Item> {
  items: Item[];
  /** The cursor of the next page; absent on the last one. */
  next?: string;
}

/** The page size of `every`. */
const PAGE_SIZE = 100;

/** Returns the cursor of the next page from a Link header (RFC 8288). */
const nextCursor = (link: string | undefined): string | undefined => {
  const target = nextLink(link);
  if (target === undefined) return undefined;
  return new URL(target, 'http://localhost').searchParams.get('cursor') ?? undefined;
};

/** A list of the API, read page by page or item by item. */
export class List<Item extends object, Filter extends object = object> {
  readonly #transport: Transport;
  readonly #path: string;

  constructor(transport: Transport, path: string) {
    this.#transport = transport;
    this.#path = path;
  }

  async list<Field extends keyof Item & string = keyof Item & string>(
    { signal, fields, ...query }: ListOptions<Field> & Filter = {} as ListOptions<Field> & Filter,
  ): Promise<Page<Pick<Item, Field>>> {
    const { status, body, headers } = await this.#transport.send<Pick<Item, Field>[]>({
      method: 'GET',
      path: this.#path,
      query: { ...query, ...(fields ? { fields: fields.join(',') } : {}) },
      signal,
    });
    if (!Array.isArray(body)) throw notAnAgent(status);
    const next = nextCursor(headers.link);
    return { items: body, ...(next === undefined ? {} : { next }) };
  }

  /**
   * Yields the items of all pages.
   * @param options `limit` is the size of a page, 100 by default
   */
  async *every<Field extends keyof Item & string = keyof Item & string>(
    options: ListOptions<Field> & Filter = {} as ListOptions<Field> & Filter,
  ): AsyncGenerator<Pick<Item, Field>, void, undefined> {
    let { cursor } = options;
    do {
      const page: Page<Pick<Item, Field>> = await this.list({ limit: PAGE_SIZE, ...options, cursor });
      yield* page.items;
      cursor = page.next;
    } while (cursor !== undefined);
  }
}
