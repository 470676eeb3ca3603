import type { Guest, MistifyClient } from '../client/index.js';
import { shortId } from '../portable/format.js';
import { isUuid } from '../portable/uuid.js';
import { notFoundFailure, usageFailure } from './failure.js';

export const nameOf = ({ metadata }: Pick<Guest, 'metadata'>): string | undefined => metadata?.name;

/** What to call a guest: by its name, or by the beginning of its ID. */
export const labelOf = (guest: Pick<Guest, 'id' | 'metadata'>): string => nameOf(guest) ?? shortId(guest.id);

/** Returns the names of guests by ID; guests without a name are left out. */
export const namesOfGuests = async (client: MistifyClient): Promise<Map<string, string>> => {
  const names = new Map<string, string>();
  for await (const guest of client.guests.every({ limit: 1000, fields: ['id', 'metadata'] })) {
    const name = nameOf(guest);
    if (name !== undefined) names.set(guest.id, name);
  }
  return names;
};

const requireUnique = <Item>(
  noun: string,
  text: string,
  found: readonly Item[],
  format: (item: Item) => string,
): Item | undefined => {
  if (found.length > 1)
    throw usageFailure(`"${text}" matches several ${noun}s: ${found.map(format).join(', ')}`);
  return found[0];
};

const findGuest = async (client: MistifyClient, text: string): Promise<string | undefined> => {
  if (isUuid(text)) return text.toLowerCase();
  const guests: Pick<Guest, 'id' | 'metadata'>[] = [];
  for await (const guest of client.guests.every({ limit: 1000, fields: ['id', 'metadata'] }))
    guests.push(guest);
  const format = (guest: (typeof guests)[number]): string =>
    `${shortId(guest.id)} (${nameOf(guest) ?? 'no name'})`;
  const named = guests.filter((guest) => nameOf(guest) === text);
  const prefixed = text === '' ? [] : guests.filter(({ id }) => id.startsWith(text.toLowerCase()));
  return (requireUnique('guest', text, named, format) ?? requireUnique('guest', text, prefixed, format))?.id;
};

/**
 * Finds a guest by its ID, the beginning of its ID, or its metadata key `name`, and returns its ID.
 * @throws {Failure} when no guest or several guests match
 */
export const guestId = async (client: MistifyClient, text: string): Promise<string> => {
  const found = await findGuest(client, text);
  if (!found) throw notFoundFailure(`no guest "${text}"`, 'To list the guests: mistify guest list');
  return found;
};

/** Finds the ID of a thing, as `guestId` does. */
type FindId = (client: MistifyClient, text: string) => Promise<string>;

/**
 * Finds several things, and returns the ID of each once.
 * @throws {Failure} when a text matches none or several of them
 */
export const idsOf = async (
  find: FindId,
  client: MistifyClient,
  texts: readonly string[],
): Promise<string[]> => {
  const ids = new Set<string>();
  for (const text of texts) ids.add(await find(client, text));
  return [...ids];
};

/** Finds guests as `guestId` does, each once, and how the user calls them. */
export const guestsNamed = async (
  client: MistifyClient,
  texts: readonly string[],
): Promise<{ id: string; label: string }[]> => {
  const labels = new Map<string, string>();
  for (const text of texts) {
    const id = await guestId(client, text);
    if (!labels.has(id)) labels.set(id, text);
  }
  return [...labels].map(([id, label]) => ({ id, label }));
};

/** Finds guests as `guestId` does, and returns each ID once. */
export const guestIds = (client: MistifyClient, texts: readonly string[]): Promise<string[]> =>
  idsOf(guestId, client, texts);

/**
 * Finds a guest of this host, or one that only the backups have: by its ID, the beginning of its ID, or its name then.
 * @throws {Failure} when no guest or several guests match
 */
export const backedUpGuestId = async (client: MistifyClient, text: string): Promise<string> => {
  const here = await findGuest(client, text);
  if (here) return here;
  const { items } = await client.backups.list({ fields: ['guest', 'name'] });
  const ids = items
    .filter(({ guest, name }) => name === text || (text !== '' && guest.startsWith(text.toLowerCase())))
    .map(({ guest }) => guest);
  const found = requireUnique('guest', text, [...new Set(ids)], (id) => id);
  if (!found)
    throw notFoundFailure(
      `no guest "${text}", here or in a backup`,
      'To list the backups: mistify backup list',
    );
  return found;
};

/**
 * Finds one thing by its ID or the beginning of its ID, and returns its ID.
 * @param all lists the IDs; it is called only for a beginning
 * @throws {Failure} when none or several match
 */
const idFrom = async (noun: string, text: string, all: () => Promise<string[]>): Promise<string> => {
  if (isUuid(text)) return text.toLowerCase();
  const ids = text === '' ? [] : (await all()).filter((id) => id.startsWith(text.toLowerCase()));
  const found = requireUnique(noun, text, ids, (id) => id);
  if (!found) throw notFoundFailure(`no ${noun} "${text}"`, `To list the ${noun}s: mistify ${noun} list`);
  return found;
};

/**
 * Finds a schedule by its name, its ID or the beginning of its ID, and returns its ID.
 * @throws {Failure} when no schedule or several schedules match
 */
export const scheduleId = async (client: MistifyClient, text: string): Promise<string> => {
  if (isUuid(text)) return text.toLowerCase();
  const { items } = await client.schedules.list({ fields: ['id', 'name'] });
  const prefixed = text === '' ? [] : items.filter(({ id }) => id.startsWith(text.toLowerCase()));
  const found =
    items.find(({ name }) => name === text) ??
    requireUnique('schedule', text, prefixed, ({ id, name }) => `${shortId(id)} (${name})`);
  if (!found) throw notFoundFailure(`no schedule "${text}"`, 'To list the schedules: mistify schedule list');
  return found.id;
};

/**
 * Finds a job by its ID or the beginning of its ID, and returns its ID.
 * @throws {Failure} when no job or several jobs match
 */
export const jobId = (client: MistifyClient, text: string): Promise<string> =>
  idFrom('job', text, async () => {
    const ids: string[] = [];
    for await (const { ID } of client.jobs.every({ limit: 1000, fields: ['ID'] })) ids.push(ID);
    return ids;
  });

/**
 * Finds a backup by its ID or the beginning of its ID, and returns its ID.
 * @throws {Failure} when no backup or several backups match
 */
export const backupId = (client: MistifyClient, text: string): Promise<string> =>
  idFrom('backup', text, async () => {
    const { items } = await client.backups.list({ fields: ['id'] });
    return items.map(({ id }) => id);
  });

/**
 * Finds a backup of a volume by its ID or the beginning of its ID, and returns its ID.
 * @throws {Failure} when no backup or several backups match
 */
export const volumeBackupId = (client: MistifyClient, text: string): Promise<string> =>
  idFrom('backup', text, async () => {
    const { items } = await client.volumeBackups.list({ fields: ['id'] });
    return items.map(({ id }) => id);
  });
