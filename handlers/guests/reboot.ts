import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, PowerQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { performAction } from './perform-action.js';

/** Asks the guest to reboot. */
export const rebootGuest = (event: Event<GuestParams, PowerQuery>, context: Context): Promise<Reply<Guest>> =>
  performAction('reboot', event, context);
