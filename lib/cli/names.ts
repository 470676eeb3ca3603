import type { Guest, MistifyClient } from '../client/index.js';
import { shortId } from '../portable/format.js';
import { notFoundFailure, usageFailure } from './failure.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const nameOf = ({ metadata }: Pick<Guest, 'metadata'>): string | undefined => metadata?.name;

/** The names of those that have one, by their ids. */
export const namesOfGuests = async (client: MistifyClient): Promise<Map<string, string>> => {
  const names = new Map<string, string>();
  for await (const guest of client.guests.every({ limit: 1000, fields: ['id', 'metadata'] })) {
    const name = nameOf(guest);
    if (name !== undefined) names.set(guest.id, name);
  }
  return names;
};

const theOnly = <Item>(
  what: string,
  text: string,
  found: readonly Item[],
  say: (item: Item) => string,
): Item | undefined => {
  if (found.length > 1)
    throw usageFailure(`several ${what}s are meant by "${text}": ${found.map(say).join(', ')}`);
  return found[0];
};

/**
 * The id of the guest that a person means: by its id, the beginning of its id, or its metadata key `name`.
 * @throws {Failure} when none is meant, or several are
 */
export const guestId = async (client: MistifyClient, text: string): Promise<string> => {
  if (UUID.test(text)) return text.toLowerCase();
  const guests: Pick<Guest, 'id' | 'metadata'>[] = [];
  for await (const guest of client.guests.every({ limit: 1000, fields: ['id', 'metadata'] }))
    guests.push(guest);
  const say = (guest: (typeof guests)[number]): string =>
    `${shortId(guest.id)} (${nameOf(guest) ?? 'no name'})`;
  const named = guests.filter((guest) => nameOf(guest) === text);
  const begun = text === '' ? [] : guests.filter(({ id }) => id.startsWith(text.toLowerCase()));
  const found = theOnly('guest', text, named, say) ?? theOnly('guest', text, begun, say);
  if (!found)
    throw notFoundFailure(`there is no guest "${text}"`, 'Those that there are: mistify guest list');
  return found.id;
};

/** The id of the job that a person means: by its id or the beginning of it. */
export const jobId = async (client: MistifyClient, text: string): Promise<string> => {
  if (UUID.test(text)) return text.toLowerCase();
  const ids: string[] = [];
  for await (const { ID } of client.jobs.every({ limit: 1000, fields: ['ID'] })) ids.push(ID);
  const found = theOnly(
    'job',
    text,
    text === '' ? [] : ids.filter((id) => id.startsWith(text.toLowerCase())),
    (id) => id,
  );
  if (!found) throw notFoundFailure(`there is no job "${text}"`, 'Those that there are: mistify job list');
  return found;
};
