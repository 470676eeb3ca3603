import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, normalize, relative, sep } from 'node:path';
import { errorMessage } from '../../../errors.js';
import type { Disk } from '../../../model/guest.js';
import { findBacking } from './backing.js';

/** Where the kernel shows ZFS volumes as block devices. */
const ZVOLS = '/dev/zvol/';

/** The first letters of a disk's name inside a Linux guest. */
const PREFIXES: ReadonlyMap<string, string> = new Map([
  ['virtio', 'vd'],
  ['scsi', 'sd'],
  ['sata', 'sd'],
  ['ide', 'sd'],
]);

/** A disk as QEMU opens it. */
export interface DiskImage {
  filename: string;
  /** By the path's ending, never probed: the guest writes what a probe would read. */
  format: 'qcow2' | 'raw';
  protocol: 'file' | 'host_device';
  /** The image, qcow2 too, that a qcow2 disk builds on, whatever its header says. */
  backing?: string;
}

const freeName = (prefix: string, taken: ReadonlySet<string>): string => {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const names = [...letters].map((letter) => `${prefix}${letter}`);
  return names.find((name) => !taken.has(name)) ?? '';
};

/**
 * The disks with their buses and device names filled in.
 * @throws when one is impossible, whatever the state of the host
 */
export const completeDisks = (disks: readonly Disk[]): Disk[] => {
  const taken = new Set(disks.map(({ device }) => device).filter(Boolean));
  const given = new Map<string, number>();
  return disks.map((disk, index) => {
    const bus = disk.bus || 'virtio';
    const prefix = PREFIXES.get(bus);
    if (prefix === undefined) {
      const buses = [...PREFIXES.keys()].join(', ');
      throw new Error(`disk ${index}: there is no bus "${bus}": use one of ${buses}`);
    }
    const device = disk.device || freeName(prefix, taken);
    taken.add(device);
    const first = given.get(device);
    if (first !== undefined) throw new Error(`disk ${index}: disk ${first} is ${device} already`);
    given.set(device, index);
    return { ...disk, bus, device };
  });
};

const isInside = (path: string, dir: string): boolean => {
  const rest = relative(dir, path);
  return rest !== '' && rest !== '..' && !rest.startsWith(`..${sep}`) && !isAbsolute(rest);
};

const realDirs = async (dirs: readonly string[]): Promise<string[]> =>
  Promise.all(dirs.map((dir) => realpath(dir).catch(() => dir)));

const locateDisk = async (
  guestId: string,
  source: string,
  dirs: readonly string[],
): Promise<{ path: string; protocol: DiskImage['protocol']; dir?: string }> => {
  const refused = new Error(
    `${source} is not a disk of this guest: it must be in a folder ${guestId} under ${dirs.join(' or ')}`,
  );
  if (!isAbsolute(source) || normalize(source) !== source || !source.split(sep).includes(guestId))
    throw refused;
  const path = await realpath(source).catch(() => {
    throw new Error(`${source} is not there: the storage sub-agent has to make it first`);
  });
  const kind = await stat(path);
  if (source.startsWith(ZVOLS)) {
    if (!kind.isBlockDevice()) throw new Error(`${source} is not a block device`);
    // By its name: the number behind it may change when a pool is imported again.
    return { path: source, protocol: 'host_device' };
  }
  const dir = (await realDirs(dirs)).find((each) => isInside(path, each));
  if (dir === undefined || !path.split(sep).includes(guestId)) throw refused;
  if (!kind.isFile()) throw new Error(`${source} is not a file`);
  return { path, protocol: 'file', dir };
};

const locateImage = async (
  guestId: string,
  { source, image }: Disk,
  dirs: readonly string[],
): Promise<DiskImage> => {
  const { path, protocol, dir } = await locateDisk(guestId, source, dirs);
  if (!path.endsWith('.qcow2')) return { filename: path, protocol, format: 'raw' };
  const backing = dir === undefined ? undefined : await findBacking({ path, source, image, dir });
  return { filename: path, protocol, format: 'qcow2', ...(backing ? { backing } : {}) };
};

/**
 * Finds the bytes of a guest's disks. Only what lies in the guest's own folder is a disk of it: a `source`
 * comes from outside, and QEMU may read every file on the host.
 */
export const locateDisks = async (
  guestId: string,
  disks: readonly Disk[],
  dirs: readonly string[],
): Promise<DiskImage[]> => {
  const images: DiskImage[] = [];
  for (const [index, disk] of disks.entries()) {
    if (!disk.source) throw new Error(`disk ${index}: it has no source: the storage stage has to come first`);
    try {
      images.push(await locateImage(guestId, disk, dirs));
    } catch (error) {
      throw new Error(`disk ${index}: ${errorMessage(error)}`, { cause: error });
    }
  }
  return images;
};
