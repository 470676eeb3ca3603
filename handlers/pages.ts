import { invalid } from '../lib/errors.js';
import type { ListQuery, Reply } from '../lib/model/endpoint.js';
import type { Page } from '../lib/store/page.js';

const encodeCursor = (place: string): string => Buffer.from(place).toString('base64url');

const decodeCursor = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();

const pick = <Item extends object>(item: Item, fields: readonly string[] | undefined): Item =>
  fields ? (Object.fromEntries(Object.entries(item).filter(([key]) => fields.includes(key))) as Item) : item;

/** The place in the store that a client's cursor stands for. */
export const placeOf = ({ cursor }: ListQuery): number | undefined => {
  if (cursor === undefined) return undefined;
  const text = decodeCursor(cursor);
  if (!/^\d{1,15}$/.test(text))
    throw invalid('"cursor" is not from this list: leave it out to start from the beginning');
  return Number(text);
};

/** A page of what a store has. Of items whose keys are chosen, only these are answered. */
export const page = <Item extends object>(
  { items, next }: Page<Item>,
  { fields }: ListQuery,
): Reply<Item[]> => ({
  status: 200,
  ...(fields ? { body: items.map((item) => pick(item, fields)) } : { body: items, isStored: true }),
  ...(next === undefined ? {} : { next: encodeCursor(String(next)) }),
});

/** A page of a list that comes whole, from a sub-agent. When there are several pages they are sorted by id. */
export const pageOfAll = <Item extends { id: string; type?: string }>(
  { body: all, ...reply }: Reply<Item[]>,
  { limit, cursor, fields }: ListQuery,
): Reply<Item[]> => {
  if (limit === undefined && cursor === undefined)
    return { ...reply, body: all.map((item) => pick(item, fields)) };
  // Two stores may have images of one id.
  const keyOf = ({ id, type = '' }: Item): string => `${id}\n${type}`;
  const sorted = all.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const after = cursor === undefined ? undefined : decodeCursor(cursor);
  const rest = after === undefined ? sorted : sorted.filter((item) => keyOf(item) > after);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return {
    ...reply,
    body: items.map((item) => pick(item, fields)),
    ...(last && items.length < rest.length ? { next: encodeCursor(keyOf(last)) } : {}),
  };
};
