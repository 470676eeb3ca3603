import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { hasTag } from '../../lib/model/labels.js';
import { viewsFor } from '../../lib/model/secrets.js';
import { page, positionOf } from '../pages.js';
import { guestFilter } from '../rights.js';

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
  const sees = guestFilter({ principal }, { guests });
  const where =
    (tag ?? sees) && ((guest: Guest): boolean => (!tag || hasTag(guest, tag)) && (!sees || sees(guest.id)));
  const found = guests.page({ after: positionOf(query), limit, where });
  const viewOf = viewsFor(principal);
  const items = found.items.map((guest) => addresses.listed(viewOf(guest).guest(guest)));
  return page(
    { ...found, items },
    // A response that omits secrets must also list the omitted keys.
    fields?.includes('metadata') || fields?.includes('container')
      ? { ...query, fields: [...fields, 'hidden'] }
      : query,
  );
};
