import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { page, positionOf } from '../pages.js';

/** Lists guests in the order of their creation. */
export const listGuests = async (
  { query }: Event<unknown, ListQuery>,
  { guests }: Context,
): Promise<Reply<Guest[]>> => page(guests.page({ after: positionOf(query), limit: query.limit }), query);
