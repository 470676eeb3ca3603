import { totalmem } from 'node:os';
import type { Guest, Metadata } from '../../../model/guest.js';
import { completeNics } from '../../shared/network/nics.js';
import type { Accel } from './accel.js';
import { completeDisks } from './disks.js';
import { seedMetadata } from './seed/metadata.js';

const DEFAULT_MEMORY_MB = 512;
const DEFAULT_VCPUS = 1;
/** Of the machine type q35; KVM without an interrupt-remapping IOMMU stops at 255. */
const MAX_VCPUS: Record<Accel, number> = { tcg: 288, kvm: 255 };

/** A guest with everything that is needed to run it. */
export interface Definition {
  id: string;
  memory: number;
  cpu: number;
  nics: NonNullable<Guest['nics']>;
  disks: NonNullable<Guest['disks']>;
  /** What of it the guest's seed is made of. */
  metadata?: Metadata;
}

export interface Limits {
  accel: Accel;
  nicModels: readonly string[];
  /** MB. */
  hostMemory?: number;
}

/**
 * Fills in what a guest leaves open.
 * @throws when it asks for what no state of this host allows
 */
export const completeDefinition = (guest: Guest, limits: Limits): Definition => {
  const memory = guest.memory ?? DEFAULT_MEMORY_MB;
  const cpu = guest.cpu ?? DEFAULT_VCPUS;
  const hostMemory = limits.hostMemory ?? Math.floor(totalmem() / 2 ** 20);
  if (memory > hostMemory) {
    throw new Error(`memory of ${memory} MB is more than this host has (${hostMemory} MB): ask for less`);
  }
  if (cpu > MAX_VCPUS[limits.accel]) {
    throw new Error(`${cpu} vCPUs are more than QEMU's limit of ${MAX_VCPUS[limits.accel]}: ask for fewer`);
  }
  const metadata = seedMetadata(guest.metadata);
  return {
    id: guest.id,
    memory,
    cpu,
    nics: completeNics(guest.id, guest.nics ?? [], limits.nicModels),
    disks: completeDisks(guest.disks ?? []),
    ...(Object.keys(metadata).length ? { metadata } : {}),
  };
};
