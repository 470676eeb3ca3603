import type { Guest } from '../../model/guest.js';
import type { GuestResponse } from '../../rpc/protocol/guest-messages.js';
import type { Entry } from './guests/entry.js';
import type { Guests } from './guests/guests.js';
import { toldDisks } from './guests/removed-disks.js';
import { sizesResponse } from './guests/update.js';

/** The state of a guest and its size. */
export const stateResponse = async (guests: Guests, entry: Entry): Promise<GuestResponse> => {
  const { revision, warnings = [], ...state } = await guests.state(entry);
  return { guest: { ...state, ...sizesResponse(entry.record), warnings }, revision };
};

/**
 * The state and the whole definition, which fills in the guest's defaults at the agent.
 * @param sent the guest in the request
 */
export const definitionResponse = async (
  guests: Guests,
  entry: Entry,
  sent: Guest,
): Promise<GuestResponse> => {
  const { guest, revision } = await stateResponse(guests, entry);
  // Without the metadata: the definition has only a part of it, and clients may have changed it since.
  const { metadata: _, ...definition } = entry.record.definition;
  const disks = toldDisks(entry, sent);
  return { guest: { ...definition, disks, ...guest }, ...(revision === undefined ? {} : { revision }) };
};

/** As `stateResponse`, with the guest's disks. */
export const disksResponse = async (guests: Guests, entry: Entry, sent: Guest): Promise<GuestResponse> => {
  const { guest, ...rest } = await stateResponse(guests, entry);
  return { ...rest, guest: { ...guest, disks: toldDisks(entry, sent) } };
};
