import type { Guest } from '../../lib/model/guest.js';
import type { Context, Event, GuestParams, Reply, WaitQuery } from '../types.js';
import { performAction } from './perform-action.js';

/** Deletes the guest and its disks. */
export const deleteGuest = (event: Event<GuestParams, WaitQuery>, context: Context): Promise<Reply<Guest>> =>
  performAction('delete', event, context);
