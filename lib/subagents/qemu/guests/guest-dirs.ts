import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists } from '../../../files/atomic-files.js';
import type { Disk } from '../../../model/guest.js';
import { guestDirOf } from '../../shared/guest-dir.js';

/** Where a guest has files. */
export interface GuestPlaces {
  id: string;
  disks: readonly Pick<Disk, 'source'>[];
  diskDirs: readonly string[];
  stateDir: string;
}

/**
 * Lists the directories of a guest's files: that of its disks first, which the storage sub-agent deletes and takes
 * snapshots of. A guest may have none but `stateDir`, the last.
 */
export const guestDirs = async ({ id, disks, diskDirs, stateDir }: GuestPlaces): Promise<string[]> => {
  const ofDisks = await Promise.all(disks.map(({ source }) => guestDirOf(id, source)));
  const dirs = [...ofDisks.flatMap((dir) => dir ?? []), ...diskDirs.map((dir) => join(dir, id))];
  const found = await Promise.all(dirs.map((dir) => ifExists(stat(dir))));
  return [...new Set([...dirs.filter((_, index) => found[index]?.isDirectory()), stateDir])];
};
