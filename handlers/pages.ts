import { invalid } from '../lib/errors.js';
import type { ListQuery, Reply } from '../lib/model/endpoint.js';
import type { Page } from '../lib/store/page.js';

const encodeCursor = (position: string): string => Buffer.from(position).toString('base64url');

const decodeCursor = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();

const pick = <Item extends object>(item: Item, fields: readonly string[] | undefined): Item =>
  fields ? (Object.fromEntries(Object.entries(item).filter(([key]) => fields.includes(key))) as Item) : item;

/**
 * Decodes a client's cursor, which consists of numbers.
 * @throws {AgentError} `invalid` for a cursor that no list has returned
 */
export const numbersIn = (cursor: string, count: number): number[] => {
  const numbers = decodeCursor(cursor).split('-');
  if (numbers.length !== count || !numbers.every((each) => /^\d{1,15}$/.test(each)))
    throw invalid('"cursor" is not from this list: leave it out to start from the beginning');
  return numbers.map(Number);
};

/** Makes a cursor of numbers. */
export const cursorOf = (...numbers: number[]): string => encodeCursor(numbers.join('-'));

/**
 * Decodes a client's cursor to a position in the store.
 * @throws {AgentError} `invalid` for a cursor that no list has returned
 */
export const positionOf = ({ cursor }: ListQuery): number | undefined =>
  cursor === undefined ? undefined : numbersIn(cursor, 1)[0];

/** Replies with a page from a store, reduced to the fields that the client selected. */
export const page = <Item extends object>(
  { items, next }: Page<Item>,
  { fields }: ListQuery,
): Reply<Item[]> => ({
  status: 200,
  ...(fields ? { body: items.map((item) => pick(item, fields)) } : { body: items, isStored: true }),
  ...(next === undefined ? {} : { next: cursorOf(next) }),
});

/** What distinguishes the items of a list: an id, or a name. */
type Listed = { id: string; type?: string } | { name: string; id?: never; type?: never };

/** Replies with a page of a complete list from a sub-agent. Paging sorts the list by id, or by name; otherwise its order is kept. */
export const pageOfAll = <Item extends Listed>(
  { body: all, ...reply }: Reply<Item[]>,
  { limit, cursor, fields }: ListQuery,
): Reply<Item[]> => {
  if (limit === undefined && cursor === undefined)
    return { ...reply, body: all.map((item) => pick(item, fields)) };
  // A disk image and a container image may share an id.
  const keyOf = (item: Item): string => `${item.id ?? item.name}\n${item.type ?? ''}`;
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
