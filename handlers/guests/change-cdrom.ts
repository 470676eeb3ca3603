import type { Context } from '../../lib/agent/context.js';
import { invalid } from '../../lib/errors.js';
import type { CdromChange } from '../../lib/model/cd-drives.js';
import type { CdromParams, Event, ForceQuery, Reply } from '../../lib/model/endpoint.js';
import { requireMatch } from '../../lib/model/etag.js';
import { type Guest, isContainer } from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import { submitGuestAction } from '../../lib/runtime/actions/guest-actions.js';
import { submitOnce } from '../submit.js';

export interface CdromPatch {
  image: string | null;
}

/** Inserts an ISO image into a CD drive, in place of the present one, or ejects it. */
export const changeCdrom = async (
  event: Event<CdromParams, ForceQuery, CdromPatch>,
  context: Context,
): Promise<Reply<Guest>> => {
  const view = viewFor(event.principal);
  const { params, payload, query } = event;
  const reply = await submitOnce(event, context, async (options) => {
    const guest = context.guests.get(params.guestID);
    if (isContainer(guest)) throw invalid(`guest ${guest.id} is a container, which has no CD drive`);
    requireMatch(event.ifMatch, view.guest(guest));
    const change: CdromChange = {
      ...{ device: params.cdrom, image: payload.image ?? '' },
      ...(query.force ? { force: true } : {}),
    };
    return submitGuestAction(context.runtime, guest, 'changeCdrom', { ...options, change: { ...change } });
  });
  return { ...reply, body: view.guest(reply.body) };
};
