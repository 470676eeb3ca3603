import { dirname } from 'node:path';
import type { Consistency } from '../../../model/snapshot.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { DiskStore, StoredDisk } from '../disk-store.js';
import { qemuImg } from '../qemu-img.js';
import { listDatasets, parseProperty, zfs, zfsWhenFree } from './command.js';
import { clonesOf } from './dependents.js';
import { datasetOf } from './disks.js';
import type { DiskKind } from './kinds.js';
import { snapshotOf, type ZfsLayout } from './layout.js';

type Snapshots = Pick<
  DiskStore,
  'snapshots' | 'createSnapshot' | 'setConsistency' | 'deleteSnapshot' | 'rollback' | 'requireUnused'
>;

const CONSISTENCY_PROPERTY = 'mistify:consistency';

interface DatasetSnapshot {
  name: string;
  consistency: Consistency;
}

/** Lists the snapshots of one dataset, oldest first. */
const list = async (dataset: string): Promise<DatasetSnapshot[]> => {
  const rows = await listDatasets(['name', CONSISTENCY_PROPERTY], '-r', '-d', '1', '-t', 'snapshot', dataset);
  return rows.flatMap(([name = '', property]) => {
    const [of, snapshot] = name.split('@');
    if (of !== dataset || snapshot === undefined) return [];
    return [{ name: snapshot, consistency: parseProperty<Consistency>(property) ?? 'crash' }];
  });
};

export const zfsSnapshots = (layout: ZfsLayout, kind: DiskKind): Snapshots => {
  /**
   * Checks that no unknown QEMU has the disk open: ZFS would change the disk under it.
   * @throws when one has
   */
  const requireNotOpen = async (disk: StoredDisk): Promise<void> => {
    const bytes = await kind.size(datasetOf(layout, disk));
    // A resize to the current size changes nothing but needs the lock that QEMU holds.
    await qemuImg(['resize', '-q', '-f', 'raw', disk.source, String(bytes)]);
  };

  const snapshotsOf = (disks: StoredDisk[], name: string): string[] =>
    disks.map((disk) => snapshotOf(datasetOf(layout, disk), name));

  /** Destroys snapshots of the guest's own dataset, a by-product of `zfs snapshot -r`, once no disk has them. */
  const pruneGuest = async (disk: StoredDisk): Promise<void> => {
    const guest = dirname(datasetOf(layout, disk));
    const rows = await listDatasets(['name'], '-r', '-d', '2', '-t', 'snapshot', guest);
    const names = rows.map(([name = '']) => name.split('@') as [string, string]);
    const ofDisks = new Set(names.filter(([of]) => of !== guest).map(([, name]) => name));
    for (const [of, name] of names)
      if (of === guest && !ofDisks.has(name)) await zfsWhenFree('destroy', `${guest}@${name}`);
  };

  return {
    snapshots: async (disk) => list(datasetOf(layout, disk)),

    createSnapshot: async (disks, name) => {
      const [first, second] = disks;
      if (!first) return;
      const [snapshot = ''] = snapshotsOf([first], name);
      if (!second) {
        await zfs('snapshot', snapshot);
        return;
      }
      await pruneGuest(first);
      await zfs('snapshot', '-r', snapshotOf(dirname(datasetOf(layout, first)), name));
    },

    setConsistency: async (disks, name, consistency) => {
      for (const snapshot of snapshotsOf(disks, name))
        await zfs('set', `${CONSISTENCY_PROPERTY}=${JSON.stringify(consistency)}`, snapshot);
    },

    deleteSnapshot: async (disks, name) => {
      for (const snapshot of snapshotsOf(disks, name)) await zfsWhenFree('destroy', snapshot);
      if (disks[0]) await pruneGuest(disks[0]);
    },

    rollback: async (disk, name) => {
      await requireNotOpen(disk);
      await zfsWhenFree('rollback', '-r', snapshotOf(datasetOf(layout, disk), name));
      await pruneGuest(disk);
    },

    requireUnused: async (disks, names) => {
      const [clone] = await clonesOf(
        layout,
        names.flatMap((name) => snapshotsOf(disks, name)),
      );
      if (clone)
        throw new Refusal('conflict', `${clone.origin} has a clone, ${clone.dataset}: destroy that first`);
    },
  };
};
