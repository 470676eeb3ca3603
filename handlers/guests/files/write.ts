import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { FilePosition, FileWritten } from '../../../lib/model/in-guest.js';
import { askGuestAgent } from '../../../lib/runtime/actions/in-guest-actions.js';
import { actionResult } from '../../replies.js';

/** Writes the body into a file in a guest. */
export const writeGuestFile = async (
  { params, query, payload, signal }: Event<GuestParams, FilePosition>,
  { guests, runtime }: Context,
): Promise<Reply<FileWritten>> => {
  const data = Buffer.isBuffer(payload) ? payload.toString('base64') : '';
  const guest = guests.get(params.guestID);
  return actionResult(await askGuestAgent(runtime, guest, 'writeFile', { ...query, data }, signal));
};
