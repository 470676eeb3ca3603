import type { OrderedIds } from './ordered-ids.js';

/** Part of a list. */
export interface Page<Item> {
  items: Item[];
  /** The position after which the next page begins; absent on the last page. */
  next?: number;
}

/** How to read a page. */
interface Reading<Item> {
  /** The most items of the page. */
  limit: number;
  read: (id: string) => Item;
  /** Selects items; all when absent. */
  where?: ((item: Item) => boolean) | undefined;
}

/**
 * Reads a page of at most `limit` items.
 * @param ids in the order of the list
 */
export const readPage = <Item>(
  order: OrderedIds,
  ids: Iterable<string>,
  { limit, read, where = () => true }: Reading<Item>,
): Page<Item> => {
  const items: Item[] = [];
  let last: string | undefined;
  for (const id of ids) {
    const item = read(id);
    if (!where(item)) continue;
    if (items.length === limit) {
      const next = last === undefined ? undefined : order.orderOf(last);
      return next === undefined ? { items } : { items, next };
    }
    items.push(item);
    last = id;
  }
  return { items };
};
