import { readGeneration } from '../../shared/generation.js';
import type { Entry } from './entry.js';
import { guestDirs } from './guest-dirs.js';

/** Returns the ID that the guest's latest rollback has given it; `undefined` without any. */
export const findGeneration = async (dirs: readonly string[]): Promise<string | undefined> => {
  const found = await Promise.all(dirs.map(readGeneration));
  return found.find((generation) => generation !== undefined);
};

/** As `findGeneration`, for a guest whose directories are not known yet. */
export const generationOf = async (
  { id, paths: { stateDir }, record: { definition } }: Entry,
  diskDirs: readonly string[],
): Promise<string | undefined> =>
  findGeneration(await guestDirs({ id, disks: definition.disks, diskDirs, stateDir }));
