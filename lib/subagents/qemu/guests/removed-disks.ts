import { diskNumber } from '../../../model/disks.js';
import type { Disk, Guest } from '../../../model/guest.js';
import { diskId } from '../machine/places.js';
import { closeDisk } from './disk-device.js';
import type { Entry } from './entry.js';
import type { GuestRecord } from './records.js';
import type { Watch } from './watch.js';

/** Returns a record for a start, without the disks whose removal was asked for. */
export const withoutRemoved = (record: GuestRecord): GuestRecord => {
  const { definition, removing = [] } = record;
  const disks = definition.disks.filter((disk, index) => !removing.includes(diskNumber(disk, index)));
  return { ...record, definition: { ...definition, disks } };
};

/** Closes a disk whose removal was asked for, once the guest has released its device. */
export const releaseRemoved = async (entry: Entry, watch: Watch, device: string): Promise<void> => {
  const { definition, removing = [] } = entry.record;
  for (const [index, disk] of definition.disks.entries()) {
    const number = diskNumber(disk, index);
    if (removing.includes(number) && diskId(disk.bus, number) === device) await closeDisk(watch, number);
  }
};

/** Returns a guest's disks. The storage sub-agent sets their sizes, so those that the agent sent are the right ones. */
export const toldDisks = ({ record }: Entry, sent: Pick<Guest, 'disks'>): Disk[] => {
  const sizes = new Map((sent.disks ?? []).map((disk, index) => [diskNumber(disk, index), disk.size]));
  return record.definition.disks.map((disk, index) => ({
    ...disk,
    size: sizes.get(diskNumber(disk, index)) || disk.size,
  }));
};
