import type { Context } from '../../lib/agent/context.js';
import { invalid } from '../../lib/errors.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import { type Guest, isContainer } from '../../lib/model/guest.js';
import { submitGuestAction } from '../../lib/runtime/actions/guest-actions.js';
import { changeGuest } from './change-guest.js';

/** Discards the memory of a warm template; its clones boot from then on. */
export const coolTemplate = (event: Event<GuestParams, JobQuery>, context: Context): Promise<Reply<Guest>> =>
  changeGuest(event, context, async (guest, options) => {
    if (isContainer(guest)) throw invalid(`guest ${guest.id} is a container, which is never warm`);
    return submitGuestAction(context.runtime, guest, 'cool', options);
  });
