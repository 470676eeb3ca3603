import type { Duplex } from 'node:stream';
import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import { openGuestConsole } from '../../../lib/runtime/actions/console-actions.js';
import { connected } from '../../replies.js';

/** Opens a guest's screen, keyboard and mouse: RFB (RFC 6143) without a password. */
export const openVncConsole = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime }: Context,
): Promise<Reply<Duplex>> =>
  connected(await openGuestConsole(runtime, guests.get(params.guestID), 'vnc', {}, signal));
