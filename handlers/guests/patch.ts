import type { Context } from '../../lib/agent/context.js';
import { requireEverywhere, requireVolumes } from '../../lib/auth/authorize.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import type { GuestPatch } from '../../lib/model/guest-patch.js';
import { submitUpdate } from '../../lib/runtime/actions/submit-update.js';
import { changeGuest } from './change-guest.js';

/** Changes a guest: at once what can change while it runs, and the rest at its next start. */
export const patchGuest = (
  event: Event<GuestParams, JobQuery, GuestPatch>,
  context: Context,
): Promise<Reply<Guest>> =>
  changeGuest(event, context, (guest, options) => {
    const { principal, payload } = event;
    // Tags decide who may do what with a guest.
    if (payload.tags !== undefined) requireEverywhere(principal, 'change', 'changing the tags of a guest');
    if (payload.container) requireVolumes(principal, payload.container, context.guests.list());
    return submitUpdate(context.runtime, guest, payload, options);
  });
