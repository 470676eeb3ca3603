import type { Guest } from '../../lib/model/guest.js';
import type { Context, Event, GuestParams, Reply, WaitQuery } from '../types.js';
import { performAction } from './perform-action.js';

/** Resets the guest, as a reset button does. */
export const restartGuest = (event: Event<GuestParams, WaitQuery>, context: Context): Promise<Reply<Guest>> =>
  performAction('restart', event, context);
