import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { performAction } from './perform-action.js';

/** Cuts the guest's power. */
export const powerOffGuest = (event: Event<GuestParams, JobQuery>, context: Context): Promise<Reply<Guest>> =>
  performAction('poweroff', event, context);
