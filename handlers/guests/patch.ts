import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import { requireMatch } from '../../lib/model/etag.js';
import type { Guest } from '../../lib/model/guest.js';
import type { GuestPatch } from '../../lib/model/guest-patch.js';
import { viewFor } from '../../lib/model/secrets.js';
import { submitUpdate } from '../../lib/runtime/actions/submit-update.js';
import { submitOnce } from '../submit.js';

/** Changes a guest: at once what can change while it runs, and the rest at its next start. */
export const patchGuest = async (
  event: Event<GuestParams, JobQuery, GuestPatch>,
  context: Context,
): Promise<Reply<Guest>> => {
  const view = viewFor(event.principal);
  const reply = await submitOnce(event, context, async (options) => {
    const guest = context.guests.get(event.params.guestID);
    requireMatch(event.ifMatch, view.guest(guest));
    return submitUpdate(context.runtime, guest, event.payload, options);
  });
  return { ...reply, body: view.guest(reply.body) };
};
