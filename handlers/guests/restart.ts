import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, PowerQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { performAction } from './perform-action.js';

/** Resets the guest, like a reset button. */
export const restartGuest = (
  event: Event<GuestParams, PowerQuery>,
  context: Context,
): Promise<Reply<Guest>> => performAction('restart', event, context);
