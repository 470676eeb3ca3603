import type { Context } from '../../../lib/agent/context.js';
import type { DryRunQuery, Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import { requireMatch } from '../../../lib/model/etag.js';
import { type Guest, type Metadata, metadataOf, normalizeGuest } from '../../../lib/model/guest.js';
import { applyMetadataPatch, requireMetadataFits } from '../../../lib/model/metadata.js';
import type { Identity } from '../../../lib/runtime/guests/guest-identities.js';
import type { MetadataPatch } from '../../metadata/patch.js';
import { ok, tagged } from '../../replies.js';

/** The name that a patch gives a guest, unless the guest already has it. */
const renamed = ({ id, metadata }: Guest, { name }: MetadataPatch): Identity => ({
  id,
  ...(name && name !== metadata?.name ? { metadata: { name } } : {}),
});

/** @throws {AgentError} `conflict` when another guest has the new name */
export const patchGuestMetadata = async (
  { params, payload, query: { dryRun }, ifMatch }: Event<GuestParams, DryRunQuery, MetadataPatch | null>,
  { guests, runtime }: Context,
): Promise<Reply<Metadata>> => {
  const patch = (guest: Guest): Guest => {
    const current = metadataOf(guest);
    requireMatch(ifMatch, current);
    return normalizeGuest({
      ...guest,
      metadata: requireMetadataFits(applyMetadataPatch(current, payload ?? {})),
    });
  };
  const current = guests.get(params.guestID);
  const identity = renamed(current, payload ?? {});
  if (dryRun) {
    runtime.identities.check(identity);
    return ok(metadataOf(patch(current)));
  }
  const update = (): Promise<Guest> => guests.update(params.guestID, patch);
  return tagged(metadataOf(await runtime.identities.claim(identity, update)));
};
