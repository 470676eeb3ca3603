import type { Metadata } from '../../../../model/guest.js';
import { Refusal } from '../../../../rpc/protocol/refusal.js';
import { isAddress } from '../../../shared/network/addresses.js';

/** The keys of a guest's metadata that its seed is made from. */
const KEYS = ['hostname', 'user-data', 'vendor-data', 'nameservers'] as const;

/** RFC 1123, 2.1: labels of letters, digits and hyphens. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** Splits the addresses in `nameservers` at commas and blanks. */
export const nameservers = (metadata: Metadata): string[] =>
  (metadata.nameservers ?? '').split(/[\s,]+/).filter(Boolean);

/** The hostname in the guest's metadata, or one derived from its id. */
export const hostname = (guestId: string, metadata: Metadata): string =>
  metadata.hostname || `guest-${guestId.slice(0, 8)}`;

/**
 * Picks the part of a guest's metadata that its seed is made from.
 * @throws when the hostname or a name server is invalid
 */
export const seedMetadata = (metadata: Metadata = {}): Metadata => {
  const kept: Metadata = {};
  for (const key of KEYS) {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : '';
    if (value) kept[key] = value;
  }
  if (kept.hostname && !HOST_NAME.test(kept.hostname)) {
    throw new Refusal(
      'invalid',
      `metadata hostname "${kept.hostname}" is not a valid host name: use letters, digits, - and dots`,
    );
  }
  const invalid = nameservers(kept).find((server) => !isAddress(server));
  if (invalid !== undefined)
    throw new Refusal('invalid', `metadata nameservers: "${invalid}" is not an IP address`);
  return kept;
};
