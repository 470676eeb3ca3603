import { requestedDisks, unusedImage } from '../../../model/disks.js';
import type { Disk, Guest } from '../../../model/guest.js';
import { MAX_DISK_BYTES, MB, toMb } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { DiskDefinition, StoredDisk } from '../disk-store.js';

const DEFAULT_BUS = 'virtio';
/** Linux's prefixes of device names by bus. Linux treats disks on any other bus as SCSI disks. */
const PREFIXES: Record<string, string> = { virtio: 'vd', ide: 'hd' };

/** Returns the first free name among `vda`, `vdb`, … */
const freeDevice = (bus: string, taken: Set<string>): string => {
  const prefix = PREFIXES[bus] ?? 'sd';
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const device = letters.map((letter) => `${prefix}${letter}`).find((name) => !taken.has(name));
  if (device === undefined)
    throw new Refusal('invalid', `bus ${bus} has more than ${letters.length} disks: use another bus`);
  return device;
};

const checkDisk = (index: number, { size = 0, image = '', device }: Partial<Disk>, given: string[]): void => {
  if (size === 0 && image === '')
    throw new Refusal('invalid', `disk ${index}: give it a size in MB or an image`);
  if (size * MB > MAX_DISK_BYTES)
    throw new Refusal(
      'invalid',
      `disk ${index}: the size must be at most ${toMb(MAX_DISK_BYTES)} MB, got ${size}`,
    );
  if (given.filter((other) => other === device).length > 1)
    throw new Refusal('invalid', `disk ${index}: another disk also has the device name ${device}`);
};

/**
 * Plans a guest's disks and fills in their defaults.
 * @throws when a disk has neither size nor image, is too large, or shares its device name with another, and when no disk
 * can take the guest's image
 */
export const planDisks = (guest: Guest): DiskDefinition[] => {
  const disks = requestedDisks(guest);
  if (!disks) throw new Refusal('invalid', unusedImage(guest));
  const given = disks.flatMap(({ device }) => (device ? [device] : []));
  const taken = new Set(given);
  return disks.map((disk, index) => {
    checkDisk(index, disk, given);
    const bus = disk.bus || DEFAULT_BUS;
    const device = disk.device || freeDevice(bus, taken);
    taken.add(device);
    return { bus, device, image: disk.image ?? '', requested: disk.size ?? 0 };
  });
};

/** Whether a stored disk matches a request, whose size may be the originally requested one or the actual one. */
const isSame = (stored: StoredDisk, wanted: DiskDefinition | undefined): boolean =>
  wanted !== undefined &&
  stored.image === wanted.image &&
  stored.bus === wanted.bus &&
  stored.device === wanted.device &&
  [stored.requested, stored.size].includes(wanted.requested);

/** Returns the number of the first disk that differs; `undefined` when all match. */
export const firstDifference = (stored: StoredDisk[], wanted: DiskDefinition[]): number | undefined => {
  const length = Math.max(stored.length, wanted.length);
  for (let index = 0; index < length; index += 1) {
    const disk = stored[index];
    if (disk === undefined || !isSame(disk, wanted[index])) return index;
  }
  return undefined;
};
