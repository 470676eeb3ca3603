import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { page, placeOf } from '../pages.js';

/** In the order they were created in. */
export const listGuests = async (
  { query }: Event<unknown, ListQuery>,
  { guests }: Context,
): Promise<Reply<Guest[]>> => page(guests.page({ after: placeOf(query), limit: query.limit }), query);
