import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, normalize, sep } from 'node:path';
import { diskNumber, diskSerial } from '../../../model/disks.js';
import type { Disk } from '../../../model/guest.js';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import { deviceNames } from '../../shared/device-names.js';
import { isInside, realDirs, ZVOLS } from '../../shared/paths.js';
import { SUFFIX } from '../../shared/qcow2/file-name.js';
import { findBacking } from './backing.js';

export const BUSES = ['virtio', 'scsi', 'sata', 'ide'];

/** A disk as QEMU opens it. */
export interface DiskImage {
  filename: string;
  /** Follows from the path's ending. Never probe it: the guest writes the bytes that a probe reads. */
  format: 'qcow2' | 'raw';
  protocol: 'file' | 'host_device';
  /** The qcow2 image that a qcow2 disk builds on. */
  backing?: string;
}

/**
 * Fills in the disks' buses, device names and serial numbers.
 * @throws when a disk could not work, whatever the state of the host, or has a device name that is not certain
 */
export const completeDisks = (guestId: string, disks: readonly Disk[]): Disk[] => {
  for (const [index, { bus }] of disks.entries()) {
    if (bus && !BUSES.includes(bus))
      throw new Refusal('invalid', `disk ${index}: unknown bus "${bus}": use one of ${BUSES.join(', ')}`);
  }
  const devices = deviceNames(disks);
  return disks.map((disk, index) => ({
    ...disk,
    bus: disk.bus || 'virtio',
    device: devices[index] ?? '',
    serial: diskSerial(guestId, diskNumber(disk, index)),
  }));
};

const locateDisk = async (
  guestId: string,
  source: string,
  dirs: readonly string[],
): Promise<{ path: string; protocol: DiskImage['protocol']; dir?: string }> => {
  const notOwn = new Refusal(
    'invalid',
    `${source} is not a disk of this guest: it must be in a folder ${guestId} under ${dirs.join(' or ')}`,
  );
  if (!isAbsolute(source) || normalize(source) !== source || !source.split(sep).includes(guestId))
    throw notOwn;
  const path = await realpath(source).catch(() => {
    throw new Refusal(
      'conflict',
      `${source} does not exist: restore the file, or delete the guest and create it again`,
    );
  });
  const stats = await stat(path);
  if (source.startsWith(ZVOLS)) {
    if (!stats.isBlockDevice()) throw new Refusal('invalid', `${source} is not a block device`);
    // Keep the name: the device number behind it may change when the pool is imported again.
    return { path: source, protocol: 'host_device' };
  }
  const dir = (await realDirs(dirs)).find((parent) => isInside(path, parent));
  if (dir === undefined || !path.split(sep).includes(guestId)) throw notOwn;
  if (!stats.isFile()) throw new Refusal('invalid', `${source} is not a file`);
  return { path, protocol: 'file', dir };
};

const locateImage = async (
  guestId: string,
  { source, image }: Disk,
  dirs: readonly string[],
): Promise<DiskImage> => {
  const { path, protocol, dir } = await locateDisk(guestId, source, dirs);
  if (!path.endsWith(SUFFIX)) return { filename: path, protocol, format: 'raw' };
  const backing = dir === undefined ? undefined : await findBacking({ path, source, image, dir });
  return { filename: path, protocol, format: 'qcow2', ...(backing ? { backing } : {}) };
};

/**
 * Finds the files or block devices of a guest's disks. `source` is client input, so a disk must lie in a folder of the
 * guest's own.
 * @throws when a disk is missing or is not the guest's
 */
export const locateDisks = async (
  guestId: string,
  disks: readonly Disk[],
  dirs: readonly string[],
): Promise<DiskImage[]> => {
  const images: DiskImage[] = [];
  for (const [index, disk] of disks.entries()) {
    if (!disk.source)
      throw new Refusal(
        'invalid',
        `disk ${diskNumber(disk, index)}: "source" is missing: name its file, or have a storage stage before this one create the disk`,
      );
    try {
      images.push(await locateImage(guestId, disk, dirs));
    } catch (error) {
      throw failureIn(`disk ${diskNumber(disk, index)}`, error);
    }
  }
  return images;
};
