import type { Metadata } from '../../../lib/model/guest.js';
import { ok } from '../../replies.js';
import type { Context, Event, GuestParams, Reply } from '../../types.js';

export const getGuestMetadata = async (
  { params }: Event<GuestParams>,
  { guests }: Context,
): Promise<Reply<Metadata>> => ok(guests.get(params.guestID).metadata ?? {});
