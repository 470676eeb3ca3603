import { dirname } from 'node:path';
import type { Consistency } from '../../../model/snapshot.js';
import type { DiskStore, StoredDisk } from '../disk-store.js';
import { openDisks } from '../open-disks.js';
import { qemuImg } from '../qemu-img.js';
import { listDatasets, parseProperty, zfs } from './command.js';
import { clonesOf } from './dependents.js';
import { destroySnapshot, pruneGuest } from './destroy.js';
import { datasetOf } from './disks.js';
import { describeHolds } from './holds.js';
import type { DiskKind } from './kinds.js';
import { snapshotOf, type ZfsLayout } from './layout.js';
import { rollbackDisks } from './rollback.js';

type Snapshots = Pick<
  DiskStore,
  'snapshots' | 'createSnapshot' | 'setConsistency' | 'deleteSnapshot' | 'rollback' | 'openedBy' | 'heldBy'
>;

const CONSISTENCY_PROPERTY = 'mistify:consistency';

interface DatasetSnapshot {
  name: string;
  consistency: Consistency;
  createdAt: number | undefined;
  usedBytes: number | undefined;
}

/** Reads numbers of a dataset's snapshots, by `NAME PROPERTY`: `zfs list` of zfs-fuse has no exact ones. */
const numbersOf = async (dataset: string): Promise<ReadonlyMap<string, number>> => {
  const columns = 'name,property,value';
  const output = await zfs('get', '-H', '-p', '-r', '-d', '1', '-o', columns, 'creation,used', dataset);
  const rows = output.split('\n').map((line) => line.split('\t'));
  return new Map(rows.map(([name = '', property = '', value]) => [`${name} ${property}`, Number(value)]));
};

/** Lists the snapshots of one dataset, oldest first. */
const list = async (dataset: string): Promise<DatasetSnapshot[]> => {
  const rows = await listDatasets(['name', CONSISTENCY_PROPERTY], '-r', '-d', '1', '-t', 'snapshot', dataset);
  if (rows.length === 0) return [];
  const numbers = await numbersOf(dataset);
  return rows.flatMap(([name = '', property]) => {
    const [of, snapshot] = name.split('@');
    if (of !== dataset || snapshot === undefined) return [];
    return [
      {
        name: snapshot,
        consistency: parseProperty<Consistency>(property) ?? 'crash',
        createdAt: numbers.get(`${name} creation`),
        usedBytes: numbers.get(`${name} used`),
      },
    ];
  });
};

export const zfsSnapshots = (layout: ZfsLayout, kind: DiskKind): Snapshots => {
  /** Opens the disk as QEMU would: ZFS itself would change it under a QEMU that has it open. */
  const probe = async (disk: StoredDisk): Promise<void> => {
    const bytes = await kind.size(datasetOf(layout, disk));
    // A resize to the current size changes nothing but needs the lock that QEMU holds.
    await qemuImg(['resize', '-q', '-f', 'raw', disk.source, String(bytes)]);
  };

  const snapshotsOf = (disks: StoredDisk[], name: string): string[] =>
    disks.map((disk) => snapshotOf(datasetOf(layout, disk), name));

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
      await pruneGuest(layout, first);
      await zfs('snapshot', '-r', snapshotOf(dirname(datasetOf(layout, first)), name));
    },

    setConsistency: async (disks, name, consistency) => {
      for (const snapshot of snapshotsOf(disks, name))
        await zfs('set', `${CONSISTENCY_PROPERTY}=${JSON.stringify(consistency)}`, snapshot);
    },

    deleteSnapshot: async (disks, name) => {
      await destroySnapshot(layout, disks, name);
      if (disks[0]) await pruneGuest(layout, disks[0]);
    },

    rollback: async (steps, name) => {
      await rollbackDisks(layout, steps, name);
      if (steps[0]) await pruneGuest(layout, steps[0].disk);
    },

    // Snapshots can be taken and destroyed while a program has the disk open.
    openedBy: async (disks, action) => (action === 'rollback' ? openDisks(disks, probe) : []),

    heldBy: async (disks, names) => {
      const wanted = new Set(names.flatMap((name) => snapshotsOf(disks, name)));
      if (wanted.size === 0) return [];
      const datasets = disks.map((disk) => datasetOf(layout, disk));
      const [clones, holds] = await Promise.all([
        clonesOf(layout, [...wanted]),
        describeHolds(['-d', '1', ...datasets], (snapshot) => wanted.has(snapshot)),
      ]);
      return [
        ...clones.map(({ origin, dataset }) => `${origin} has a clone, ${dataset}: destroy that first`),
        ...holds,
      ];
    },
  };
};
