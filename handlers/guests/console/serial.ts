import type { Duplex } from 'node:stream';
import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import { openGuestConsole } from '../../../lib/runtime/actions/console-actions.js';
import { connected } from '../../replies.js';

export interface SerialConsoleQuery {
  /** How much of what the guest said before is wanted, in bytes. */
  scrollback: number;
}

/** Connects with a guest's serial console, also with that of one that is off: it comes to life with the guest. */
export const openSerialConsole = async (
  { params, query: { scrollback }, signal }: Event<GuestParams, SerialConsoleQuery>,
  { guests, runtime }: Context,
): Promise<Reply<Duplex>> =>
  connected(await openGuestConsole(runtime, guests.get(params.guestID), 'serial', { scrollback }, signal));
