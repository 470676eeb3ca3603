import { dirname } from 'node:path';
import { onEachDisk } from '../on-each-disk.js';
import type { StoredDisk } from '../stored.js';
import { listDatasets, zfsWhenFree } from './command.js';
import { datasetOf, snapshotOf, type ZfsLayout } from './layout.js';

/** Destroys snapshots of the guest's own dataset, a by-product of `zfs snapshot -r`, once no disk has them. */
export const pruneGuest = async (layout: ZfsLayout, disk: StoredDisk): Promise<void> => {
  const guest = dirname(datasetOf(layout, disk));
  const rows = await listDatasets(['name'], '-r', '-d', '2', '-t', 'snapshot', guest);
  const names = rows.map(([name = '']) => name.split('@') as [string, string]);
  const ofDisks = new Set(names.filter(([of]) => of !== guest).map(([, name]) => name));
  for (const [of, name] of names)
    if (of === guest && !ofDisks.has(name)) await zfsWhenFree('destroy', `${guest}@${name}`);
};

/**
 * Destroys a snapshot of disks: now, or by itself once the last clone of it is gone, as zfs(8) does for `destroy -d`.
 */
export const expireSnapshot = async (layout: ZfsLayout, disks: StoredDisk[], name: string): Promise<void> => {
  for (const disk of disks) await zfsWhenFree('destroy', '-d', snapshotOf(datasetOf(layout, disk), name));
};

/**
 * Destroys a snapshot of one disk, or of all disks that have it. Snapshots that were taken together are destroyed in
 * one step: all or none.
 */
export const destroySnapshot = async (
  layout: ZfsLayout,
  disks: StoredDisk[],
  name: string,
): Promise<void> => {
  const [first, second] = disks;
  if (!first) return;
  const together = snapshotOf(dirname(datasetOf(layout, first)), name);
  // zfs-fuse destroys nothing unless the parent has the snapshot, too.
  if (second && (await listDatasets(['name'], '-t', 'snapshot', together)).length > 0) {
    await zfsWhenFree('destroy', '-r', together);
    return;
  }
  await onEachDisk(disks, `snapshot ${name} is destroyed`, async (disk) => {
    await zfsWhenFree('destroy', snapshotOf(datasetOf(layout, disk), name));
  });
};
