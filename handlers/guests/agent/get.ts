import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { GuestAgentInfo } from '../../../lib/model/guest-agent.js';
import { askGuestAgent } from '../../../lib/runtime/actions/in-guest-actions.js';
import { actionResult } from '../../replies.js';

/** Replies with what the agent in a guest says about the guest. */
export const getGuestAgent = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime }: Context,
): Promise<Reply<GuestAgentInfo>> =>
  actionResult(await askGuestAgent(runtime, guests.get(params.guestID), 'agentInfo', undefined, signal));
