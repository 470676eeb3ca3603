import type { DiskStore } from '../disk-store.js';
import { removeAllBitmaps } from './bitmaps.js';
import type { Qcow2Layout } from './layout.js';
import { repairFile } from './repair.js';
import { KEPT, readTable, runOnDisk } from './table.js';

type KeptState = Pick<DiskStore, 'keepState' | 'returnToKept' | 'dropKept'>;

/** Keeps the state of a stopped guest's disk in a snapshot that is not listed. */
export const qcow2KeptState = (layout: Qcow2Layout): KeptState => ({
  keepState: async (disk) => {
    // QEMU would not return to the snapshot.
    await removeAllBitmaps(layout, disk);
    await runOnDisk(layout, disk, '-c', KEPT);
  },

  returnToKept: async (disk) => {
    // By id, because qemu-img takes a name for the id of another snapshot.
    const kept = (await readTable(layout, disk)).find(({ name }) => name === KEPT);
    if (!kept) return;
    await repairFile(layout, disk);
    await removeAllBitmaps(layout, disk);
    await runOnDisk(layout, disk, '-a', kept.id);
    await runOnDisk(layout, disk, '-d', KEPT);
  },

  dropKept: async (disk) => {
    const kept = (await readTable(layout, disk)).find(({ name }) => name === KEPT);
    if (kept) await runOnDisk(layout, disk, '-d', KEPT);
  },
});
