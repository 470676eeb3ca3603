import type { Guest } from '../../lib/model/guest.js';
import type { Context, Event, GuestParams, Reply, WaitQuery } from '../types.js';
import { performAction } from './perform-action.js';

/** Cuts the power. */
export const powerOffGuest = (
  event: Event<GuestParams, WaitQuery>,
  context: Context,
): Promise<Reply<Guest>> => performAction('poweroff', event, context);
