import type { DiskAddition, DiskGrowth } from '../../model/disk-changes.js';
import { diskNumber } from '../../model/disks.js';
import { type Guest, normalizeGuest } from '../../model/guest.js';
import type { GuestChange } from '../../rpc/protocol/guest-messages.js';

/** The actions that change the disks of a guest. */
const DISK_CHANGES = ['addDisk', 'changeDisk', 'removeDisk'] as const;
export type DiskChangeAction = (typeof DISK_CHANGES)[number];

export const isDiskChange = (action: string): action is DiskChangeAction =>
  (DISK_CHANGES as readonly string[]).includes(action);

const withAddition = ({ id, disks = [] }: Guest, { disk }: DiskAddition): Guest =>
  normalizeGuest({
    id,
    disks: [...disks, { bus: '', device: '', volume: '', source: '', image: '', size: disk.size ?? 0 }],
  });

const withGrowth = ({ id, disks = [] }: Guest, growth: DiskGrowth): Guest => ({
  id,
  disks: disks.map((disk, index) =>
    diskNumber(disk, index) === growth.disk ? { ...disk, size: growth.size } : disk,
  ),
});

/** Returns a guest with the disks that a change gives it, as the quota counts it. A removal frees nothing before its end. */
export const withDiskChange = (guest: Guest, name: DiskChangeAction, change: GuestChange): Guest => {
  switch (name) {
    case 'addDisk':
      return { ...guest, ...withAddition(guest, change as unknown as DiskAddition) };
    case 'changeDisk':
      return { ...guest, ...withGrowth(guest, change as unknown as DiskGrowth) };
    case 'removeDisk':
      return guest;
  }
};
