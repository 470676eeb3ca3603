import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { performAction } from './perform-action.js';

/** Pauses the guest. */
export const suspendGuest = (event: Event<GuestParams, JobQuery>, context: Context): Promise<Reply<Guest>> =>
  performAction('suspend', event, context);
