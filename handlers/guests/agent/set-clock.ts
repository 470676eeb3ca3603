import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { ClockChange } from '../../../lib/model/in-guest.js';
import { askGuestAgent } from '../../../lib/runtime/actions/in-guest-actions.js';
import { actionResult } from '../../replies.js';

/** Sets a guest's clock to that of the host. */
export const setGuestClock = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime }: Context,
): Promise<Reply<ClockChange>> =>
  actionResult(await askGuestAgent(runtime, guests.get(params.guestID), 'setClock', undefined, signal));
