import type { DiskStore } from '../disk-store.js';
import type { StoredDisk } from '../stored.js';
import { listDatasets, zfs, zfsWhenFree } from './command.js';
import { datasetOf, KEPT, snapshotOf, type ZfsLayout } from './layout.js';

type KeptState = Pick<DiskStore, 'keepState' | 'returnToKept' | 'dropKept'>;

/** Keeps the state of a stopped guest's disk in a snapshot that is not listed. */
export const zfsKeptState = (layout: ZfsLayout): KeptState => {
  const nameOf = (disk: StoredDisk): string => snapshotOf(datasetOf(layout, disk), KEPT);

  const isKept = async (disk: StoredDisk): Promise<boolean> =>
    (await listDatasets(['name'], '-t', 'snapshot', nameOf(disk))).length > 0;

  return {
    keepState: async (disk) => {
      await zfs('snapshot', nameOf(disk));
    },

    returnToKept: async (disk) => {
      if (!(await isKept(disk))) return;
      await zfsWhenFree('rollback', nameOf(disk));
      await zfsWhenFree('destroy', nameOf(disk));
    },

    dropKept: async (disk) => {
      if (await isKept(disk)) await zfsWhenFree('destroy', nameOf(disk));
    },
  };
};
