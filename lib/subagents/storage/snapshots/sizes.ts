import { toMb } from '../../../model/units.js';
import type { DiskStore } from '../disk-store.js';
import type { StoredDisk } from '../stored.js';

/**
 * Records the sizes that disks of a stopped guest have after a rollback: those of the time of the snapshot.
 * @returns each change in words
 */
export const recordSizes = async (store: DiskStore, disks: readonly StoredDisk[]): Promise<string[]> => {
  const notes: string[] = [];
  for (const disk of disks) {
    const size = toMb(await store.diskBytes(disk));
    if (size === disk.size) continue;
    await store.setSize(disk, size);
    notes.push(`disk ${disk.index} has ${size} MB again, instead of ${disk.size}`);
  }
  return notes;
};
