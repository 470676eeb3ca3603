import { findHolders } from './holders.js';
import { QemuImgError } from './qemu-img.js';
import type { StoredDisk } from './stored.js';

const describe = ({ volume }: StoredDisk, holders: string[]): string =>
  holders.length > 0
    ? `${volume} is open by ${holders.join(' and ')}: stop that first`
    : `${volume} is open by a program that the storage sub-agent cannot see: stop that first`;

const isInUse = async (probe: Promise<void>): Promise<boolean> => {
  try {
    await probe;
    return false;
  } catch (error) {
    if (error instanceof QemuImgError && error.inUse) return true;
    throw error;
  }
};

/**
 * Lists the disks that other programs have open, with the programs, one text for each disk.
 * @param probe opens a disk as a change would, without changing it
 * @throws as `probe` when a disk cannot be opened for another reason
 */
export const openDisks = async (
  disks: StoredDisk[],
  probe: (disk: StoredDisk) => Promise<void>,
): Promise<string[]> => {
  const holders = await findHolders(disks.map(({ source }) => source));
  const found: string[] = [];
  for (const [index, disk] of disks.entries()) {
    const known = holders[index] ?? [];
    if (known.length > 0 || (await isInUse(probe(disk)))) found.push(describe(disk, known));
  }
  return found;
};

/** Returns the error to report for a failed change of a disk: it names the program that has the disk open. */
export const explainInUse = async (disk: StoredDisk, error: unknown): Promise<unknown> => {
  if (!(error instanceof QemuImgError) || !error.inUse) return error;
  const [holders = []] = await findHolders([disk.source]);
  return new QemuImgError(describe(disk, holders), { cause: error, inUse: true });
};
