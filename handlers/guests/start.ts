import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, PowerQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { performAction } from './perform-action.js';

/** Starts a guest that is off, or resumes a paused one. */
export const startGuest = (event: Event<GuestParams, PowerQuery>, context: Context): Promise<Reply<Guest>> =>
  performAction('start', event, context);
