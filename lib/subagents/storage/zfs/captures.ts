import { dirname } from 'node:path';
import type { DiskStore } from '../disk-store.js';
import type { Captures, StoredDisk } from '../stored.js';
import { listDatasets, zfsWhenFree } from './command.js';
import type { DiskKind } from './kinds.js';
import { CAPTURED, datasetOf, snapshotOf, type ZfsLayout } from './layout.js';
import { withRawDisk } from './raw-file.js';
import type { WorkArea } from './work-area.js';

/** Captures disks by a snapshot that is not listed, which clones show. */
export const zfsCaptures = (
  layout: ZfsLayout,
  kind: DiskKind,
  work: WorkArea,
  { createSnapshot }: Pick<DiskStore, 'createSnapshot'>,
): Captures => {
  /** The clones that are in use, by the volume of their disk. Those of a killed process are garbage. */
  const clones = new Map<string, string>();
  const isTaken = async (name: string): Promise<boolean> =>
    (await listDatasets(['name'], '-t', 'snapshot', name)).length > 0;
  const nameOf = (disk: StoredDisk): string => snapshotOf(datasetOf(layout, disk), CAPTURED);

  return {
    take: (disks) => createSnapshot([...disks], CAPTURED),

    withCaptured: async (disk, use) => {
      const clone = work.claim('backup');
      clones.set(disk.volume, clone);
      await zfsWhenFree('clone', nameOf(disk), clone);
      await kind.ready(clone);
      const bytes = await kind.size(clone);
      return withRawDisk(kind.path(clone), 'read', (file) => use({ ...file, bytes }));
    },

    drop: async (disks) => {
      for (const disk of disks) {
        const clone = clones.get(disk.volume);
        clones.delete(disk.volume);
        if (clone !== undefined) await work.discard(clone);
      }
      // Snapshots that were taken together are destroyed together, also that of a disk that was removed and kept.
      const [first] = disks;
      const together = first && snapshotOf(dirname(datasetOf(layout, first)), CAPTURED);
      if (together !== undefined && (await isTaken(together))) await zfsWhenFree('destroy', '-r', together);
      for (const name of disks.map(nameOf)) if (await isTaken(name)) await zfsWhenFree('destroy', name);
    },
  };
};
