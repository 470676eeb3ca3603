import type { Duplex } from 'node:stream';
import { openGuestConsole } from '../../../lib/runtime/console-actions.js';
import { connected } from '../../replies.js';
import type { Context, Event, GuestParams, Reply } from '../../types.js';

/** Connects with a guest's screen, keyboard and mouse: RFB (RFC 6143), without a password of its own. */
export const openVncConsole = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime }: Context,
): Promise<Reply<Duplex>> =>
  connected(await openGuestConsole(runtime, guests.get(params.guestID), 'vnc', {}, signal));
