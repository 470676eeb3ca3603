import type { Guest } from '../../lib/model/guest.js';
import { tagged } from '../replies.js';
import type { Context, Event, GuestParams, Reply } from '../types.js';

export const getGuest = async ({ params }: Event<GuestParams>, { guests }: Context): Promise<Reply<Guest>> =>
  tagged(guests.get(params.guestID));
