import { type Metadata, metadataOf } from '../../../lib/model/guest.js';
import { tagged } from '../../replies.js';
import type { Context, Event, GuestParams, Reply } from '../../types.js';

export const getGuestMetadata = async (
  { params }: Event<GuestParams>,
  { guests }: Context,
): Promise<Reply<Metadata>> => tagged(metadataOf(guests.get(params.guestID)));
