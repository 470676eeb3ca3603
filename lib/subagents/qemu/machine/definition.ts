import type { Guest, Metadata } from '../../../model/guest.js';
import { type GuestSize, sizeOf } from '../../../model/guest-size.js';
import { completeNics, type MacOwner } from '../../shared/network/nics.js';
import { completeDisks } from './disks.js';
import type { NicEntries } from './nic-entry.js';
import { numberNics } from './nic-numbers.js';
import { seedMetadata } from './seed/metadata.js';
import { requireSizeFits, type SizeLimits } from './size-limits.js';

/** A guest with all defaults filled in. */
export interface Definition extends GuestSize {
  id: string;
  nics: NonNullable<Guest['nics']>;
  disks: NonNullable<Guest['disks']>;
  /** Absent where the guest's creation named none: see `drivesOf`. */
  cdroms?: NonNullable<Guest['cdroms']>;
  /** Where the images in the drives are. */
  media?: NonNullable<Guest['media']>;
  /** The keys that the guest's seed is made from. */
  metadata?: Metadata;
}

export interface Limits extends SizeLimits {
  nicModels: readonly string[];
  /** Finds the MAC addresses of other guests; by default, none has any. */
  macOwner?: MacOwner;
  /** The entries of the guest's NICs, if its record has any. */
  nics?: NicEntries | undefined;
}

/**
 * Fills in a guest's defaults.
 * @throws when the guest could not run here, whatever the state of the host
 */
export const completeDefinition = (guest: Guest, limits: Limits): Definition => {
  const size = sizeOf(guest);
  requireSizeFits(size, limits);
  const { nics = [] } = guest;
  const metadata = seedMetadata(guest.metadata);
  return {
    id: guest.id,
    ...size,
    nics: completeNics(guest.id, nics, {
      models: limits.nicModels,
      macOwner: limits.macOwner,
      numbers: numberNics(nics, limits.nics),
    }),
    disks: completeDisks(guest.id, guest.disks ?? []),
    ...(guest.cdroms ? { cdroms: guest.cdroms, media: guest.media ?? [] } : {}),
    ...(Object.keys(metadata).length ? { metadata } : {}),
  };
};
