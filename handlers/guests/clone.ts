import type { Context } from '../../lib/agent/context.js';
import { requireOnGuest } from '../../lib/auth/authorize.js';
import type { CloneRequest } from '../../lib/model/clone.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import { submitClone } from '../../lib/runtime/actions/submit-clone.js';
import { creatorOf } from '../rights.js';
import { submitOnce } from '../submit.js';

/** Creates a guest from another one, which may run, or from a snapshot of it. */
export const cloneGuest = async (
  event: Event<GuestParams, JobQuery, CloneRequest | null>,
  context: Context,
): Promise<Reply<Guest>> => {
  const { runtime, guests } = context;
  // Whoever has the copy of a disk can read it.
  requireOnGuest(event.principal, 'content', guests.subject(event.params.guestID));
  const reply = await submitOnce(event, context, async (options) =>
    submitClone(runtime, guests.get(event.params.guestID), event.payload ?? {}, {
      ...options,
      creator: creatorOf(event, context),
    }),
  );
  return { ...reply, body: viewFor(event.principal, reply.body).guest(reply.body), guest: reply.body.id };
};
