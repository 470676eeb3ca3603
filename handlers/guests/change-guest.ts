import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import { requireMatch } from '../../lib/model/etag.js';
import type { Guest } from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import type { Submission, SubmitOptions } from '../../lib/runtime/jobs/submission.js';
import { submitOnce } from '../submit.js';

/** Queues a change of a guest that is as the client has seen it, and replies with the guest. */
export const changeGuest = async (
  event: Event<GuestParams, JobQuery>,
  context: Context,
  submit: (guest: Guest, options: SubmitOptions) => Promise<Submission<Guest>>,
): Promise<Reply<Guest>> => {
  const view = viewFor(event.principal);
  const reply = await submitOnce(event, context, async (options) => {
    const guest = context.guests.get(event.params.guestID);
    requireMatch(event.ifMatch, view.guest(guest));
    return submit(guest, options);
  });
  return { ...reply, body: view.guest(reply.body) };
};
