import type { Snapshot } from '../../../model/snapshot.js';
import { formatAge } from '../../../portable/format.js';
import { parseSnapshotId } from '../../../portable/snapshot-id.js';

/** A snapshot across the disks of a guest. */
export interface GuestSnapshot {
  name: string;
  disks: { disk: string; size: number }[];
  consistency: string | undefined;
  /** When it was taken, as in RFC 3339. */
  created: string | undefined;
  /** MB that only this snapshot holds on all disks, where the store knows that. */
  used: number | undefined;
  description: string | undefined;
  /** MB of the guest's memory at that moment; absent for a snapshot without it. */
  memory: number | undefined;
}

/** Groups snapshots by name, newest first. */
export const byName = (snapshots: readonly Snapshot[]): GuestSnapshot[] => {
  const found = new Map<string, GuestSnapshot>();
  for (const { id, size, consistency, created, used, description, memory } of snapshots) {
    const { disk = '', name = '' } = parseSnapshotId(id);
    const snapshot: GuestSnapshot = found.get(name) ?? {
      ...{ name, disks: [], consistency, created, description, memory },
      used: undefined,
    };
    snapshot.disks.push({ disk, size });
    if (used !== undefined) snapshot.used = (snapshot.used ?? 0) + used;
    found.set(name, snapshot);
  }
  return [...found.values()].reverse();
};

export const consistencyOf = ({ consistency, memory }: GuestSnapshot): string => {
  if (memory !== undefined) return 'with memory';
  return consistency ? `${consistency}-consistent` : '';
};

/** MB that only a snapshot holds, with its memory. */
export const takenBy = ({ used, memory = 0 }: GuestSnapshot): number | undefined =>
  used === undefined && memory === 0 ? undefined : (used ?? 0) + memory;

export const createdAgo = ({ created }: GuestSnapshot): string => (created ? formatAge(created) : '');
