import type { Metadata } from '../../../../model/guest.js';
import { isAddress } from '../../../shared/network/addresses.js';

/** The keys of a guest's metadata that its seed is made of. */
const KEYS = ['hostname', 'user-data', 'vendor-data', 'nameservers'] as const;

/** RFC 1123: labels of letters, digits and hyphens. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** The addresses in `nameservers`, which commas or blanks part. */
export const nameservers = (metadata: Metadata): string[] =>
  (metadata.nameservers ?? '').split(/[\s,]+/).filter(Boolean);

/** The guest's name for itself: its own wish, else one made of its id. */
export const hostname = (guestId: string, metadata: Metadata): string =>
  metadata.hostname || `guest-${guestId.slice(0, 8)}`;

/**
 * The part of a guest's metadata that its seed is made of.
 * @throws when a value makes no sense
 */
export const seedMetadata = (metadata: Metadata = {}): Metadata => {
  const kept: Metadata = {};
  for (const key of KEYS) {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : '';
    if (value) kept[key] = value;
  }
  if (kept.hostname && !HOST_NAME.test(kept.hostname)) {
    throw new Error(`metadata hostname "${kept.hostname}" is no host name: use letters, digits, - and dots`);
  }
  const wrong = nameservers(kept).find((server) => !isAddress(server));
  if (wrong !== undefined) throw new Error(`metadata nameservers: ${wrong} is no IP address`);
  return kept;
};
