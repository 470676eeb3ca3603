import type { Disk, Guest } from '../../../model/guest.js';
import { MAX_DISK_BYTES, MB, toMb } from '../../../model/units.js';
import type { DiskDefinition, StoredDisk } from '../disk-store.js';

const DEFAULT_BUS = 'virtio';
/** Device names as Linux gives them by bus; every other bus is SCSI to it. */
const PREFIXES: Record<string, string> = { virtio: 'vd', ide: 'hd' };

const asked = (guest: Guest): Partial<Disk>[] =>
  guest.disks?.length ? guest.disks : guest.image ? [{ image: guest.image }] : [];

/** The first free name of `vda`, `vdb`, … */
const freeDevice = (bus: string, taken: Set<string>): string => {
  const prefix = PREFIXES[bus] ?? 'sd';
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const device = letters.map((letter) => `${prefix}${letter}`).find((name) => !taken.has(name));
  if (device === undefined) throw new Error(`more than ${letters.length} disks on bus ${bus}`);
  return device;
};

const checkDisk = (index: number, { size = 0, image = '', device }: Partial<Disk>, given: string[]): void => {
  if (size === 0 && image === '') throw new Error(`disk ${index}: give it a size in MB or an image`);
  if (size * MB > MAX_DISK_BYTES)
    throw new Error(`disk ${index}: ${size} MB is more than the ${toMb(MAX_DISK_BYTES)} MB allowed`);
  if (given.filter((other) => other === device).length > 1)
    throw new Error(`disk ${index}: another disk has the device name ${device} too`);
};

/**
 * The disks that a guest is to have: those it lists, or one cloned from its image. What it leaves open is
 * filled in.
 * @throws when one of them cannot be made by anybody
 */
export const planDisks = (guest: Guest): DiskDefinition[] => {
  const disks = asked(guest);
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

/** Whether a disk that is there is the one asked for; the size may be the one asked for then or the one made. */
const isSame = (stored: StoredDisk, wanted: DiskDefinition | undefined): boolean =>
  wanted !== undefined &&
  stored.image === wanted.image &&
  stored.bus === wanted.bus &&
  stored.device === wanted.device &&
  [stored.requested, stored.size].includes(wanted.requested);

/** Number of the first disk that differs; `undefined` when all are the same. */
export const firstDifference = (stored: StoredDisk[], wanted: DiskDefinition[]): number | undefined => {
  const length = Math.max(stored.length, wanted.length);
  for (let index = 0; index < length; index += 1) {
    const disk = stored[index];
    if (disk === undefined || !isSame(disk, wanted[index])) return index;
  }
  return undefined;
};
