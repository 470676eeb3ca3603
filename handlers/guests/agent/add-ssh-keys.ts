import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { SshKeys } from '../../../lib/model/in-guest.js';
import { askGuestAgent } from '../../../lib/runtime/actions/in-guest-actions.js';
import { actionResult } from '../../replies.js';

/** Lets SSH keys log in as a user of a guest. */
export const addGuestSshKeys = async (
  { params, payload, signal }: Event<GuestParams, unknown, SshKeys>,
  { guests, runtime }: Context,
): Promise<Reply<object>> =>
  actionResult(await askGuestAgent(runtime, guests.get(params.guestID), 'addSshKeys', payload, signal));
