import { type Metadata, normalizeGuest } from '../../../lib/model/guest.js';
import { patchMetadata, requireMetadataFits } from '../../../lib/model/metadata.js';
import type { MetadataPatch } from '../../metadata/patch.js';
import { ok } from '../../replies.js';
import type { Context, Event, GuestParams, Reply } from '../../types.js';

export const patchGuestMetadata = async (
  { params, payload }: Event<GuestParams, unknown, MetadataPatch | null>,
  { guests }: Context,
): Promise<Reply<Metadata>> => {
  const { metadata = {} } = await guests.update(params.guestID, (guest) => {
    const patched = requireMetadataFits(patchMetadata(guest.metadata ?? {}, payload ?? {}));
    return normalizeGuest({ ...guest, metadata: patched });
  });
  return ok(metadata);
};
