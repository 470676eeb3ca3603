import type { Context } from '../../lib/agent/context.js';
import type { GuestAction } from '../../lib/model/actions.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import { requireMatch } from '../../lib/model/etag.js';
import type { Guest } from '../../lib/model/guest.js';
import { submitGuestAction } from '../../lib/runtime/actions/guest-actions.js';
import { submitOnce } from '../submit.js';

/** Queues a guest's action and replies with the guest as it is now or, when the client waits, after the action. */
export const performAction = (
  action: GuestAction,
  event: Event<GuestParams, JobQuery>,
  context: Context,
): Promise<Reply<Guest>> =>
  submitOnce(event, context, async (options) => {
    const guest = context.guests.get(event.params.guestID);
    requireMatch(event.ifMatch, guest);
    return submitGuestAction(context.runtime, guest, action, options);
  });
