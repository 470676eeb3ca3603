import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import { page, positionOf } from '../pages.js';

/**
 * Lists guests in the order of their creation, with their addresses as last learned. A guest alone comes without them: it
 * has an ETag, which stays the same while addresses come and go.
 */
export const listGuests = async (
  { query, principal }: Event<unknown, ListQuery>,
  { guests, addresses }: Context,
): Promise<Reply<Guest[]>> => {
  const found = guests.page({ after: positionOf(query), limit: query.limit });
  const view = viewFor(principal);
  const { fields } = query;
  const items = found.items.map((guest) => addresses.listed(view.guest(guest)));
  return page(
    { ...found, items },
    // A response that omits secrets must also list the omitted keys.
    fields?.includes('metadata') || fields?.includes('container')
      ? { ...query, fields: [...fields, 'hidden'] }
      : query,
  );
};
