import type { Duplex } from 'node:stream';
import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import { openGuestConsole } from '../../../lib/runtime/actions/console-actions.js';
import { connected } from '../../replies.js';

export interface SerialConsoleQuery {
  /** The amount of earlier output to send first, in bytes. */
  scrollback: number;
}

/** Opens a guest's serial console. A guest that is off has one too, which becomes active when the guest starts. */
export const openSerialConsole = async (
  { params, query: { scrollback }, signal }: Event<GuestParams, SerialConsoleQuery>,
  { guests, runtime }: Context,
): Promise<Reply<Duplex>> =>
  connected(await openGuestConsole(runtime, guests.get(params.guestID), 'serial', { scrollback }, signal));
