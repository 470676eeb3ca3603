import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { PasswordChange } from '../../../lib/model/in-guest.js';
import { askGuestAgent } from '../../../lib/runtime/actions/in-guest-actions.js';
import { actionResult } from '../../replies.js';

/** Sets the password of a user in a guest. */
export const setGuestPassword = async (
  { params, payload, signal }: Event<GuestParams, unknown, PasswordChange>,
  { guests, runtime }: Context,
): Promise<Reply<object>> =>
  actionResult(await askGuestAgent(runtime, guests.get(params.guestID), 'setPassword', payload, signal));
