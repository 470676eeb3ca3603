import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { Trim } from '../../../lib/model/in-guest.js';
import { askGuestAgent } from '../../../lib/runtime/actions/in-guest-actions.js';
import { actionResult } from '../../replies.js';

/** Lets a guest give back the blocks that its file systems do not use. */
export const trimGuest = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime }: Context,
): Promise<Reply<Trim>> =>
  actionResult(await askGuestAgent(runtime, guests.get(params.guestID), 'trim', undefined, signal));
