import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../lib/model/endpoint.js';
import type { GuestAddress } from '../../lib/model/guest-addresses.js';
import { queryAddresses } from '../../lib/runtime/actions/in-guest-actions.js';
import { actionResult } from '../replies.js';

/** Replies with the addresses of a guest that are known, whether it has a guest agent or not. */
export const listAddresses = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime, addresses }: Context,
): Promise<Reply<GuestAddress[]>> => {
  const found = await queryAddresses(runtime, guests.get(params.guestID), signal);
  addresses.learn(params.guestID, found.result);
  return actionResult(found);
};
