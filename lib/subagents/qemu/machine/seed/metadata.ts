import type { Metadata } from '../../../../model/guest.js';
import { SEED_KEYS, seedMistake } from '../../../../model/seed-metadata.js';
import { Refusal } from '../../../../rpc/protocol/refusal.js';

/** The hostname in the guest's metadata, or one derived from its id. */
export const hostname = (guestId: string, metadata: Metadata): string =>
  metadata.hostname || `guest-${guestId.slice(0, 8)}`;

/**
 * Picks the part of a guest's metadata that its seed is made from.
 * @throws when the hostname or a name server is invalid
 */
export const seedMetadata = (metadata: Metadata = {}): Metadata => {
  const kept: Metadata = {};
  for (const key of SEED_KEYS) {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : '';
    if (value) kept[key] = value;
  }
  const mistake = seedMistake(kept);
  if (mistake !== undefined) throw new Refusal('invalid', mistake);
  return kept;
};
