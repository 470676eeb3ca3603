import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../lib/model/endpoint.js';
import type { History } from '../../lib/model/history.js';
import type { HistoryQuery } from '../host/history.js';
import { ok } from '../replies.js';

/**
 * Returns what a guest has had to do over the last hour, day or month.
 * @throws {AgentError} `not_found`
 */
export const getGuestHistory = async (
  { params: { guestID }, query: { range } }: Event<GuestParams, HistoryQuery>,
  { guests, history }: Context,
): Promise<Reply<History>> => ok(await history.ofGuest(guests.get(guestID).id, range));
