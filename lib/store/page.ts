import type { OrderedIds } from './ordered-ids.js';

/** Part of a list. */
export interface Page<Item> {
  items: Item[];
  /** The position after which the next page begins; absent on the last page. */
  next?: number;
}

/**
 * Reads a page of at most `limit` items.
 * @param ids in the order of the list
 */
export const readPage = <Item>(
  order: OrderedIds,
  ids: Iterable<string>,
  limit: number,
  read: (id: string) => Item,
): Page<Item> => {
  const items: Item[] = [];
  let last: string | undefined;
  for (const id of ids) {
    if (items.length === limit) {
      const next = last === undefined ? undefined : order.orderOf(last);
      return next === undefined ? { items } : { items, next };
    }
    items.push(read(id));
    last = id;
  }
  return { items };
};
