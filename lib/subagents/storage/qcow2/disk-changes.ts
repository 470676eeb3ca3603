import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { moveIntoPlace } from '../../../files/atomic-files.js';
import type { DiskStore } from '../disk-store.js';
import { growLive, liveBytes } from '../grow-live.js';
import { qemuImg, readOpenInfo } from '../qemu-img.js';
import type { DiskDefinition, StoredDisk } from '../stored.js';
import { withGuestFile } from './guest-file.js';
import type { Qcow2Images } from './images.js';
import { diskFileName, guestDir, type Qcow2Layout } from './layout.js';
import { changeRecords, type DiskRecord, type NumberedRecord, readKept } from './records.js';

export type DiskChanges = Pick<
  DiskStore,
  'keptDisks' | 'addDisk' | 'restoreDisk' | 'keepDisk' | 'removeDisk' | 'diskBytes' | 'growDisk' | 'setSize'
>;

const without = (records: NumberedRecord[], index: number): NumberedRecord[] =>
  records.filter(({ number }) => number !== index);

const only = (records: NumberedRecord[], index: number): NumberedRecord[] =>
  records.filter(({ number }) => number === index);

const guestOf = ({ volume }: StoredDisk): string => volume.split('/')[1] ?? '';

/**
 * Changes the disks of guests that exist. `disks.json` decides which disks a guest has: a file that it does not mention is
 * what an interrupted change left, and the next one with its number replaces it.
 * @param createFile creates the file of a disk
 */
export const qcow2DiskChanges = (
  layout: Qcow2Layout,
  images: Qcow2Images,
  createFile: (path: string, disk: DiskDefinition) => Promise<DiskRecord>,
): DiskChanges => ({
  keptDisks: (guest) => readKept(layout, guest),

  addDisk: async (guest, index, disk, addition) => {
    const dir = await mkdtemp(join(layout.work, 'disk-'));
    try {
      const path = join(dir, diskFileName(index));
      const record = { ...(await createFile(path, disk)), ...addition, number: index };
      await moveIntoPlace(path, join(guestDir(layout, guest), diskFileName(index)));
      await changeRecords(layout, guest, (disks) => ({ disks: [...without(disks, index), record] }));
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },

  restoreDisk: (guest, index, bus, addition) =>
    changeRecords(layout, guest, (disks, kept) => ({
      disks: [...disks, ...only(kept, index).map((record) => ({ ...record, bus, ...addition }))],
      kept: without(kept, index),
    })),

  keepDisk: (guest, index, keptAt) =>
    changeRecords(layout, guest, (disks, kept) => ({
      disks: without(disks, index),
      kept: [...kept, ...only(disks, index).map((record) => ({ ...record, keptAt }))],
    })),

  removeDisk: async (guest, index) => {
    await changeRecords(layout, guest, (disks) => ({ disks: without(disks, index) }));
    await rm(join(guestDir(layout, guest), diskFileName(index)), { force: true });
    await images.prune();
  },

  diskBytes: (disk, live) =>
    live
      ? liveBytes(live, disk)
      : withGuestFile(layout, disk, 'read', async ({ standalone, gid, files }) => {
          const { 'virtual-size': bytes } = await readOpenInfo(standalone(), { gid, files });
          return bytes;
        }),

  growDisk: (disk, bytes, live) =>
    live
      ? growLive(live, disk, bytes)
      : withGuestFile(layout, disk, 'write', async ({ standalone, gid, files }) => {
          await qemuImg(['resize', '-q', standalone(), String(bytes)], { gid, files });
        }),

  setSize: (disk, size) =>
    changeRecords(layout, guestOf(disk), (disks) => ({
      disks: disks.map((record) => (record.number === disk.index ? { ...record, size } : record)),
    })),
});
