import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { performAction } from './perform-action.js';

/** Saves the guest's memory to disk and turns the guest off; its next start resumes it. */
export const saveGuest = (event: Event<GuestParams, JobQuery>, context: Context): Promise<Reply<Guest>> =>
  performAction('save', event, context);
