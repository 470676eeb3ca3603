import { dirname } from 'node:path';
import type { Consistency } from '../../../model/snapshot.js';
import type { DiskStore } from '../disk-store.js';
import { openDisks } from '../open-disks.js';
import { qemuImg } from '../qemu-img.js';
import type { StoredDisk } from '../stored.js';
import { listDatasets, parseProperty, zfs } from './command.js';
import { clonesOf } from './dependents.js';
import { destroySnapshot, expireSnapshot, pruneGuest } from './destroy.js';
import { describeHolds } from './holds.js';
import type { DiskKind } from './kinds.js';
import { datasetOf, guestOfDataset, HIDDEN, snapshotOf, type ZfsLayout } from './layout.js';
import { rollbackDisks } from './rollback.js';

type Snapshots = Pick<
  DiskStore,
  | 'snapshots'
  | 'snapshotBytes'
  | 'createSnapshot'
  | 'setConsistency'
  | 'setDescription'
  | 'deleteSnapshot'
  | 'expireSnapshot'
  | 'rollback'
  | 'openedBy'
  | 'heldBy'
>;

const CONSISTENCY_PROPERTY = 'mistify:consistency';
const DESCRIPTION_PROPERTY = 'mistify:description';

interface DatasetSnapshot {
  name: string;
  consistency: Consistency;
  createdAt: number | undefined;
  description: string | undefined;
}

/** Reads a number of each of a dataset's snapshots, by name: `zfs list` of zfs-fuse has no exact ones. */
const numbersOf = async (
  dataset: string,
  property: 'creation' | 'used',
): Promise<ReadonlyMap<string, number>> => {
  const output = await zfs('get', '-H', '-p', '-r', '-d', '1', '-o', 'name,value', property, dataset);
  const rows = output.split('\n').map((line) => line.split('\t'));
  return new Map(
    rows.flatMap(([name = '', value]) => {
      const [of, snapshot] = name.split('@');
      return of === dataset && snapshot !== undefined ? [[snapshot, Number(value)]] : [];
    }),
  );
};

/** Lists the snapshots of one dataset, oldest first. */
const list = async (dataset: string): Promise<DatasetSnapshot[]> => {
  const properties = ['name', CONSISTENCY_PROPERTY, DESCRIPTION_PROPERTY];
  const rows = await listDatasets(properties, '-r', '-d', '1', '-t', 'snapshot', dataset);
  if (rows.length === 0) return [];
  const createdAt = await numbersOf(dataset, 'creation');
  return rows.flatMap(([name = '', consistency, description]) => {
    const [of, snapshot] = name.split('@');
    if (of !== dataset || snapshot === undefined || HIDDEN.has(snapshot)) return [];
    return [
      {
        name: snapshot,
        consistency: parseProperty<Consistency>(consistency) ?? 'crash',
        description: parseProperty<string>(description) || undefined,
        createdAt: createdAt.get(snapshot),
      },
    ];
  });
};

const describeClone = (layout: ZfsLayout, origin: string, dataset: string): string => {
  const guest = guestOfDataset(layout, dataset);
  return guest === undefined
    ? `${origin} has a clone, ${dataset}: destroy that first`
    : `guest ${guest} is a linked clone that builds on ${origin}: delete that guest first`;
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

  const setProperty = async (
    disks: StoredDisk[],
    name: string,
    property: string,
    value: string,
  ): Promise<void> => {
    for (const snapshot of snapshotsOf(disks, name))
      await zfs('set', `${property}=${JSON.stringify(value)}`, snapshot);
  };

  return {
    snapshots: async (disk) => list(datasetOf(layout, disk)),

    snapshotBytes: (disk) => numbersOf(datasetOf(layout, disk), 'used'),

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

    setConsistency: (disks, name, consistency) => setProperty(disks, name, CONSISTENCY_PROPERTY, consistency),

    setDescription: (disks, name, description) => setProperty(disks, name, DESCRIPTION_PROPERTY, description),

    deleteSnapshot: async (disks, name) => {
      await destroySnapshot(layout, disks, name);
      if (disks[0]) await pruneGuest(layout, disks[0]);
    },

    expireSnapshot: async (disks, name) => {
      await expireSnapshot(layout, disks, name);
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
      return [...clones.map(({ origin, dataset }) => describeClone(layout, origin, dataset)), ...holds];
    },
  };
};
