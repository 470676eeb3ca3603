import type { Context } from '../../lib/agent/context.js';
import { AgentError } from '../../lib/errors.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import { requireMatch } from '../../lib/model/etag.js';
import type { Guest } from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import type { Submission, SubmitOptions } from '../../lib/runtime/jobs/submission.js';
import { submitOnce } from '../submit.js';

const changing = (): AgentError =>
  new AgentError(
    'precondition_failed',
    'a change of it is queued or running: read it again once its jobs have ended',
  );

/** Queues a change of a guest that is as the client has seen it, and replies with the guest. */
export const changeGuest = async (
  event: Event<GuestParams, JobQuery>,
  context: Context,
  submit: (guest: Guest, options: SubmitOptions) => Promise<Submission<Guest>>,
): Promise<Reply<Guest>> => {
  const { guestID } = event.params;
  const view = viewFor(event.principal, context.guests.subject(guestID));
  const reply = await submitOnce(event, context, async (options) => {
    if (event.ifMatch === undefined || event.ifMatch.trim() === '*')
      return submit(context.guests.get(guestID), options);
    // Of several clients that have seen the same guest, the first one's job is queued before the next one compares.
    return context.runtime.conditions.run(guestID, () => {
      const guest = context.guests.get(guestID);
      requireMatch(event.ifMatch, view.guest(guest));
      if (context.runtime.queue.isChanging(guestID)) throw changing();
      return submit(guest, options);
    });
  });
  return { ...reply, body: view.guest(reply.body) };
};
