import { requestedDisks, unusedImage } from '../../../model/disks.js';
import type { Disk, Guest } from '../../../model/guest.js';
import { MAX_DISK_BYTES, MB, toMb } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { deviceNames } from '../../shared/device-names.js';
import type { DiskDefinition, StoredDisk } from '../stored.js';

const DEFAULT_BUS = 'virtio';

const checkDisk = (index: number, { size, image, device }: Disk, disks: readonly Disk[]): void => {
  if (size === 0 && image === '')
    throw new Refusal('invalid', `disk ${index}: give it a size in MB or an image`);
  if (size * MB > MAX_DISK_BYTES)
    throw new Refusal(
      'invalid',
      `disk ${index}: the size must be at most ${toMb(MAX_DISK_BYTES)} MB, got ${size}`,
    );
  if (device !== '' && disks.filter((other) => other.device === device).length > 1)
    throw new Refusal('invalid', `disk ${index}: another disk also has the device name ${device}`);
};

/**
 * Plans a guest's disks and fills in their defaults.
 * @throws when a disk has neither size nor image, is too large, or has a device name that is not certain, and when no disk
 * can take the guest's image
 */
export const planDisks = (guest: Guest): DiskDefinition[] => {
  const disks = requestedDisks(guest);
  if (!disks) throw new Refusal('invalid', unusedImage(guest));
  for (const [index, disk] of disks.entries()) checkDisk(index, disk, disks);
  const devices = deviceNames(disks);
  return disks.map(({ bus, image, size }, index) => ({
    bus: bus || DEFAULT_BUS,
    device: devices[index] ?? '',
    image,
    requested: size,
  }));
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
