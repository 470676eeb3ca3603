import { readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../../errors.js';
import { readAllocatedBytes } from '../../../files/allocated-bytes.js';
import { ifExists } from '../../../files/atomic-files.js';
import { findHolders, findRemovedFiles } from '../holders.js';
import type { Leftover, StoredDisk } from '../stored.js';
import type { Qcow2Layout } from './layout.js';

/** The prefix of the directories of deleted guests in the work directory. */
export const DELETED = 'deleted-';

const bytesOf = async (path: string): Promise<number> => (await readAllocatedBytes(path)) ?? 0;

const bytesBelow = async (dir: string): Promise<number> => {
  const entries = (await ifExists(readdir(dir, { recursive: true, withFileTypes: true }))) ?? [];
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(({ parentPath, name }) => bytesOf(join(parentPath, name))));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
};

const isOpenBy = (holders: string[]): string =>
  `it is open by ${holders.join(' and ')}, and its room is free once that is closed`;

/** Lists the files of disks or images that programs have open: a removed file takes room until it is closed. */
export const openFiles = async (disks: Pick<StoredDisk, 'volume' | 'source'>[]): Promise<Leftover[]> => {
  const holders = await findHolders(
    disks.map(({ source }) => source),
    { readers: true },
  );
  const found = disks.map(async ({ volume, source }, index): Promise<Leftover[]> => {
    const known = holders[index] ?? [];
    if (known.length === 0) return [];
    return [{ volume, bytes: await bytesOf(source), reason: isOpenBy(known) }];
  });
  return (await Promise.all(found)).flat();
};

/**
 * Removes the directory of a deleted guest.
 * @returns what cannot be removed
 */
export const removeTrash = async (dir: string): Promise<Leftover[]> => {
  try {
    await rm(dir, { recursive: true, force: true });
    return [];
  } catch (error) {
    return [
      { volume: dir, bytes: await bytesBelow(dir), reason: `${errorMessage(error)}: remove it by hand` },
    ];
  }
};

/** Lists the files of deleted guests and images that take room, because programs have them open. */
export const listLeftovers = async ({ work, images }: Qcow2Layout): Promise<Leftover[]> => {
  const [trash, imageDir] = await Promise.all([realpath(work), realpath(images)]);
  const wanted = [join(trash, DELETED), join(imageDir, '/')];
  const removed = await findRemovedFiles((path) => wanted.some((prefix) => path.startsWith(prefix)));
  return removed.map(({ path, bytes, holder }) => ({ volume: path, bytes, reason: isOpenBy([holder]) }));
};
