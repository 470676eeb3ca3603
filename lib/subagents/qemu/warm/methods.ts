import { warmRequestSchema } from '../../../model/warm.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import { readChange } from '../../shared/read-change.js';
import type { Entry } from '../guests/entry.js';
import type { Guests } from '../guests/guests.js';
import { stateResponse } from '../responses.js';
import { toldWarm } from './record.js';
import { checkWarm, cool, warm } from './warm.js';

type Handler = (guests: Guests, request: GuestRequest, call: CallContext) => Promise<GuestResponse>;

const warmResponse = async (guests: Guests, entry: Entry): Promise<GuestResponse> => {
  const response = await stateResponse(guests, entry);
  const found = entry.record.warm;
  return { ...response, guest: { ...response.guest, warm: found ? toldWarm(found) : null } };
};

/** The methods that warm and cool templates. */
export const WARM_METHODS: Record<`Libvirt.${string}`, Handler> = {
  'Libvirt.CheckWarm': async (guests, { guest: { id } }) => {
    await checkWarm(guests, id);
    return { guest: { id } };
  },
  'Libvirt.Warm': async (guests, request, call) => {
    const entry = await warm(guests, request.guest.id, readChange(request, warmRequestSchema), call);
    const { size = 0 } = entry.record.warm ?? {};
    const response = await warmResponse(guests, entry);
    return {
      ...response,
      message: `${size} MB of memory kept: clones that are made from now on resume with it`,
    };
  },
  'Libvirt.Cool': async (guests, { guest: { id } }) => warmResponse(guests, await cool(guests, id)),
};
