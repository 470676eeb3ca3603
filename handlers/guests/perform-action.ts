import type { GuestAction } from '../../lib/config/actions.js';
import type { Guest } from '../../lib/model/guest.js';
import { performGuestAction } from '../../lib/runtime/guest-actions.js';
import { acceptedOrDone } from '../replies.js';
import type { Context, Event, GuestParams, Reply, WaitQuery } from '../types.js';

/** Queues an action of a guest and answers the guest as it is before that, or after it when the client waits. */
export const performAction = async (
  action: GuestAction,
  { params, query }: Event<GuestParams, WaitQuery>,
  { guests, runtime }: Context,
): Promise<Reply<Guest>> => {
  const guest = guests.get(params.guestID);
  return acceptedOrDone(await performGuestAction(runtime, guest, action), guest, query.wait);
};
