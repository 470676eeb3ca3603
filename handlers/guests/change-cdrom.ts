import type { Context } from '../../lib/agent/context.js';
import { invalid } from '../../lib/errors.js';
import type { CdromParams, Event, ForceQuery, Reply } from '../../lib/model/endpoint.js';
import { type Guest, isContainer } from '../../lib/model/guest.js';
import { submitGuestAction } from '../../lib/runtime/actions/guest-actions.js';
import { changeGuest } from './change-guest.js';

export interface CdromPatch {
  image: string | null;
}

/** Inserts an ISO image into a CD drive, in place of the present one, or ejects it. */
export const changeCdrom = (
  event: Event<CdromParams, ForceQuery, CdromPatch>,
  context: Context,
): Promise<Reply<Guest>> => {
  const { params, payload, query } = event;
  const change = {
    ...{ device: params.cdrom, image: payload.image ?? '' },
    ...(query.force ? { force: true } : {}),
  };
  return changeGuest(event, context, async (guest, options) => {
    if (isContainer(guest)) throw invalid(`guest ${guest.id} is a container, which has no CD drive`);
    return submitGuestAction(context.runtime, guest, 'changeCdrom', { ...options, change });
  });
};
