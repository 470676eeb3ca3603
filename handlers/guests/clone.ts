import type { Context } from '../../lib/agent/context.js';
import type { CloneRequest } from '../../lib/model/clone.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import { submitClone } from '../../lib/runtime/actions/submit-clone.js';
import { submitOnce } from '../submit.js';

/** Creates a guest from another one, which may run, or from a snapshot of it. */
export const cloneGuest = async (
  event: Event<GuestParams, JobQuery, CloneRequest | null>,
  context: Context,
): Promise<Reply<Guest>> => {
  const { runtime, guests } = context;
  const reply = await submitOnce(event, context, async (options) =>
    submitClone(runtime, guests.get(event.params.guestID), event.payload ?? {}, options),
  );
  return { ...reply, body: viewFor(event.principal).guest(reply.body), guest: reply.body.id };
};
