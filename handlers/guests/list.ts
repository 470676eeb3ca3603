import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { hasTag } from '../../lib/model/labels.js';
import { viewFor } from '../../lib/model/secrets.js';
import { page, positionOf } from '../pages.js';

export interface GuestsQuery extends ListQuery {
  /** Tags of which a guest has at least one. */
  tag?: string[];
}

/**
 * Lists guests in the order of their creation, with their addresses as last learned. A guest alone comes without them: it
 * has an ETag, which stays the same while addresses come and go.
 */
export const listGuests = async (
  { query, principal }: Event<unknown, GuestsQuery>,
  { guests, addresses }: Context,
): Promise<Reply<Guest[]>> => {
  const { fields, limit, tag } = query;
  const where = tag && ((guest: Guest): boolean => hasTag(guest, tag));
  const found = guests.page({ after: positionOf(query), limit, where });
  const view = viewFor(principal);
  const items = found.items.map((guest) => addresses.listed(view.guest(guest)));
  return page(
    { ...found, items },
    // A response that omits secrets must also list the omitted keys.
    fields?.includes('metadata') || fields?.includes('container')
      ? { ...query, fields: [...fields, 'hidden'] }
      : query,
  );
};
