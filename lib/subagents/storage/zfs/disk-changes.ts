import type { DiskStore } from '../disk-store.js';
import { growLive, liveBytes } from '../grow-live.js';
import type { DiskDefinition, StoredDisk } from '../stored.js';
import { isDatasetMissing } from './command.js';
import type { DiskKind } from './kinds.js';
import { diskName, guestDataset, type ZfsLayout } from './layout.js';
import { moveDataset } from './mounts.js';
import type { WorkArea } from './work-area.js';

export type DiskChanges = Pick<
  DiskStore,
  'addDisk' | 'restoreDisk' | 'keepDisk' | 'removeDisk' | 'diskBytes' | 'growDisk' | 'setSize'
>;

/** What the changes need of a store's disks. */
export interface DiskAccess {
  /** Creates a disk, with further keys of its record. */
  create: (dataset: string, disk: DiskDefinition, more: object) => Promise<void>;
  /** Reads all keys of the record of a disk, kept or not. */
  read: (dataset: string) => Promise<object>;
  write: (dataset: string, record: object) => Promise<void>;
  datasetOf: (disk: StoredDisk) => string;
}

/** Changes the disks of guests that exist. Each change is one step of ZFS, a rename or a property. */
export const zfsDiskChanges = (
  layout: ZfsLayout,
  kind: DiskKind,
  work: WorkArea,
  { create, read, write, datasetOf }: DiskAccess,
): DiskChanges => {
  const nameOf = (guest: string, index: number): string =>
    `${guestDataset(layout, guest)}/${diskName(index)}`;

  const change = async (dataset: string, changes: object): Promise<void> =>
    write(dataset, { ...(await read(dataset)), ...changes });

  return {
    addDisk: async (guest, index, disk, addition) => {
      const dataset = work.claim('disk');
      try {
        await create(dataset, disk, addition);
        await work.moveIntoPlace(dataset, nameOf(guest, index));
      } catch (error) {
        await work.discard(dataset);
        throw error;
      }
      await kind.ready(nameOf(guest, index));
    },

    restoreDisk: (guest, index, bus, addition) =>
      change(nameOf(guest, index), { kept: false, bus, ...addition }),

    keepDisk: (guest, index, keptAt) => change(nameOf(guest, index), { kept: true, keptAt }),

    removeDisk: async (guest, index) => {
      const trash = work.claim('removed');
      try {
        await moveDataset(nameOf(guest, index), trash);
      } catch (error) {
        if (!isDatasetMissing(error)) throw error;
      } finally {
        await work.discard(trash);
      }
    },

    diskBytes: (disk, live) => (live ? liveBytes(live, disk) : kind.size(datasetOf(disk))),

    growDisk: async (disk, bytes, live) => {
      const dataset = datasetOf(disk);
      const target = kind.roundUp(bytes);
      if ((await kind.size(dataset)) < target) await kind.grow(dataset, target);
      if (live) await growLive(live, disk, target);
    },

    setSize: (disk, size) => change(datasetOf(disk), { size }),
  };
};
