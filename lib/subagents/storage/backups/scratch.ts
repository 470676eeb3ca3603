import { stat, truncate } from 'node:fs/promises';
import { allocatedBytes } from '../../../files/allocated-bytes.js';
import { ifExists } from '../../../files/atomic-files.js';
import { roomOf } from '../../../files/room.js';
import { MB, toMb } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { qemuImg } from '../qemu-img.js';

/** A twentieth of the device, up to this many bytes, is left for the guests' growing disks. */
const MAX_RESERVE_BYTES = 1024 * MB;
const RESERVE_DIVISOR = 20;

/** What the tables of a qcow2 file take at most, besides its clusters: a share of the disk, and some clusters. */
const TABLES_DIVISOR = 1024;
const TABLES_BYTES = 2 * MB;

/** A file on which QEMU keeps what the guest overwrites of a disk while the disk is read. */
export interface Scratch {
  path: string;
  /** Its greatest length, in bytes. */
  limit: number;
}

/** Returns how long the scratch file of a disk may become. */
export const scratchLimit = (diskBytes: number, maxBytes: number): number => {
  const whole = diskBytes + diskBytes / TABLES_DIVISOR + TABLES_BYTES;
  return Math.ceil(Math.min(maxBytes, whole) / MB) * MB;
};

/** @throws {Refusal} `no_space` unless the scratch files fit beside what the guests' disks may grow by */
export const requireRoom = async (dir: string, limits: readonly number[]): Promise<void> => {
  const needed = limits.reduce((sum, limit) => sum + limit, 0);
  const { freeBytes, sizeBytes } = await roomOf(dir);
  const reserve = Math.min(MAX_RESERVE_BYTES, sizeBytes / RESERVE_DIVISOR);
  if (freeBytes - reserve >= needed) return;
  throw new Refusal(
    'no_space',
    `a backup of a running guest may need ${toMb(needed)} MB for what the guest overwrites meanwhile, and ${dir} has ${Math.floor(freeBytes / MB)} MB free, with ${toMb(reserve)} MB kept in reserve: make room there, give the storage a lower --backup-scratch, or back the guest up while it is off`,
  );
};

/** Creates an empty scratch file for a disk. */
export const createScratch = async ({ path, limit }: Scratch, diskBytes: number): Promise<void> => {
  await qemuImg(['create', '-q', '-f', 'qcow2', path, `${diskBytes}`]);
  // QEMU gets the file with its final length, all holes, so that it cannot become longer.
  await truncate(path, limit);
};

/** A write that does not fit breaks the backup, before the file is quite full. */
const FULL_SHARE = 0.75;

/** Says that a scratch file may have been too small, once its backup has failed; `undefined` otherwise. */
export const describeFull = async (disk: string, path: string): Promise<string | undefined> => {
  const stats = await ifExists(stat(path));
  if (!stats || allocatedBytes(stats) < stats.size * FULL_SHARE) return undefined;
  return `the guest has overwritten more of disk ${disk} than the ${toMb(stats.size)} MB of its scratch file, or almost: give the storage a higher --backup-scratch, or back the guest up when it writes less`;
};
