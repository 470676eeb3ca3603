import type { Context } from '../../../lib/agent/context.js';
import type { DryRunQuery, Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import { requireMatch } from '../../../lib/model/etag.js';
import { type Guest, type Metadata, metadataOf, normalizeGuest } from '../../../lib/model/guest.js';
import { applyMetadataPatch, requireMetadataFits } from '../../../lib/model/metadata.js';
import type { MetadataPatch } from '../../metadata/patch.js';
import { ok, tagged } from '../../replies.js';

export const patchGuestMetadata = async (
  { params, payload, query: { dryRun }, ifMatch }: Event<GuestParams, DryRunQuery, MetadataPatch | null>,
  { guests }: Context,
): Promise<Reply<Metadata>> => {
  const patch = (guest: Guest): Guest => {
    const current = metadataOf(guest);
    requireMatch(ifMatch, current);
    return normalizeGuest({
      ...guest,
      metadata: requireMetadataFits(applyMetadataPatch(current, payload ?? {})),
    });
  };
  if (dryRun) return ok(metadataOf(patch(guests.get(params.guestID))));
  return tagged(metadataOf(await guests.update(params.guestID, patch)));
};
