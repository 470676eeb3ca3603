import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import { type Metadata, metadataOf } from '../../../lib/model/guest.js';
import { metadataFor } from '../../replies.js';

export const getGuestMetadata = async (
  { params, principal }: Event<GuestParams>,
  { guests }: Context,
): Promise<Reply<Metadata>> => {
  const guest = guests.get(params.guestID);
  return metadataFor(principal, metadataOf(guest), guest);
};
