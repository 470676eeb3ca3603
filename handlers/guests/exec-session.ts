import type { Duplex } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../lib/model/endpoint.js';
import { openExecSession } from '../../lib/runtime/actions/console-actions.js';
import { connected } from '../replies.js';

/** Opens a connection to a program that runs in a container; its first message says which. */
export const openGuestExec = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime }: Context,
): Promise<Reply<Duplex>> => connected(await openExecSession(runtime, guests.get(params.guestID), signal));
