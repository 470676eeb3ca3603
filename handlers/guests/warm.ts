import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import type { WarmRequest } from '../../lib/model/warm.js';
import { submitGuestAction } from '../../lib/runtime/actions/guest-actions.js';
import { requireTemplate } from '../../lib/runtime/actions/templates.js';
import { changeGuest } from './change-guest.js';

/** Warms a template: boots it once and keeps its memory, with which its clones resume. */
export const warmTemplate = (
  event: Event<GuestParams, JobQuery, WarmRequest | null>,
  context: Context,
): Promise<Reply<Guest>> =>
  changeGuest(event, context, async (guest, options) => {
    requireTemplate(guest);
    const change = { ...event.payload };
    return submitGuestAction(context.runtime, guest, 'warm', { ...options, change });
  });
