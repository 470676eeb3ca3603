import { totalmem } from 'node:os';
import { DEFAULT_MEMORY_MB, DEFAULT_VCPUS, type Guest, type Metadata } from '../../../model/guest.js';
import { MB } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { completeNics, type MacOwner } from '../../shared/network/nics.js';
import type { Accel } from './accel.js';
import { completeDisks } from './disks.js';
import { seedMetadata } from './seed/metadata.js';

/** The limits of machine type q35; with KVM, more than 255 need an interrupt-remapping IOMMU. */
const MAX_VCPUS: Record<Accel, number> = { tcg: 288, kvm: 255 };

/** A guest with all defaults filled in. */
export interface Definition {
  id: string;
  /** MB. */
  memory: number;
  /** The number of vCPUs. */
  cpu: number;
  nics: NonNullable<Guest['nics']>;
  disks: NonNullable<Guest['disks']>;
  /** The keys that the guest's seed is made from. */
  metadata?: Metadata;
}

export interface Limits {
  accel: Accel;
  nicModels: readonly string[];
  /** Finds the MAC addresses of other guests; by default, none has any. */
  macOwner?: MacOwner;
  /** MB; this host's by default. */
  hostMemory?: number;
}

/**
 * Fills in a guest's defaults.
 * @throws when the guest could not run here, whatever the state of the host
 */
export const completeDefinition = (guest: Guest, limits: Limits): Definition => {
  const memory = guest.memory ?? DEFAULT_MEMORY_MB;
  const cpu = guest.cpu ?? DEFAULT_VCPUS;
  const hostMemory = limits.hostMemory ?? Math.floor(totalmem() / MB);
  if (memory > hostMemory) {
    throw new Refusal('invalid', `"memory" must be at most this host's ${hostMemory} MB, got ${memory}`);
  }
  if (cpu > MAX_VCPUS[limits.accel]) {
    throw new Refusal(
      'invalid',
      `"cpu" must be at most QEMU's limit of ${MAX_VCPUS[limits.accel]} vCPUs, got ${cpu}`,
    );
  }
  const metadata = seedMetadata(guest.metadata);
  return {
    id: guest.id,
    memory,
    cpu,
    nics: completeNics(guest.id, guest.nics ?? [], limits.nicModels, limits.macOwner),
    disks: completeDisks(guest.id, guest.disks ?? []),
    ...(Object.keys(metadata).length ? { metadata } : {}),
  };
};
