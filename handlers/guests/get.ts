import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import { tagged } from '../replies.js';

export const getGuest = async (
  { params, principal }: Event<GuestParams>,
  { guests }: Context,
): Promise<Reply<Guest>> => {
  const guest = guests.get(params.guestID);
  return tagged(viewFor(principal, guest).guest(guest));
};
