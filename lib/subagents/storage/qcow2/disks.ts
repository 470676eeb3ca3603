import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readAllocatedBytes } from '../../../files/allocated-bytes.js';
import { ifExists, moveIntoPlace, sync } from '../../../files/atomic-files.js';
import { MB, toMb } from '../../../model/units.js';
import { noSuchImage } from '../../shared/errors.js';
import { imageFileName } from '../../shared/qcow2/file-name.js';
import { convert, readCheckedInfo } from '../convert.js';
import type { DiskStore } from '../disk-store.js';
import { requireReadable } from '../errors.js';
import { checkImage, qemuImg, readOpenInfo } from '../qemu-img.js';
import type { DiskDefinition, DiskImport, StoredDisk } from '../stored.js';
import { qcow2Bitmaps } from './bitmaps.js';
import { qcow2Clones } from './clone.js';
import { type DiskChanges, qcow2DiskChanges } from './disk-changes.js';
import { withGuestFile } from './guest-file.js';
import type { Qcow2Images } from './images.js';
import { qcow2KeptState } from './kept-state.js';
import { diskFileName, guestDir, type Qcow2Layout } from './layout.js';
import { DELETED, openFiles, removeTrash } from './leftovers.js';
import { type DiskRecord, guestsOfImage, readDisks, readKept, writeRecords } from './records.js';
import { repairFile } from './repair.js';

type Disks = Pick<
  DiskStore,
  | keyof DiskChanges
  | 'cloneDisks'
  | 'imageOfSnapshot'
  | 'linksPresentState'
  | 'copyBytes'
  | 'guestsOfImage'
  | 'findDisks'
  | 'createDisks'
  | 'importDisks'
  | 'deleteDisks'
  | 'diskUse'
  | 'guestDir'
  | 'checkDisk'
  | 'repair'
  | 'backsUpBy'
  | 'withOpenDisk'
  | 'keepState'
  | 'returnToKept'
  | 'dropKept'
>;

export const qcow2Disks = (layout: Qcow2Layout, images: Qcow2Images): Disks => {
  /**
   * Creates a disk's file with `qemu-img create`.
   * @returns its record
   */
  const createFile = async (path: string, disk: DiskDefinition): Promise<DiskRecord> => {
    const { image, requested } = disk;
    const create = ['create', '-q', '-f', 'qcow2'] as const;
    if (image === '') {
      await qemuImg([...create, path, String(requested * MB)]);
      return { ...disk, size: toMb(requested * MB) };
    }
    const base = await images.findImage(image);
    if (!base) throw noSuchImage(image);
    const bytes = Math.max(requireReadable(base).virtualSize, requested * MB);
    const imageFile = await images.currentFile(image);
    await qemuImg([...create, '-b', join(layout.images, imageFile), '-F', 'qcow2', path, String(bytes)]);
    const record = { ...disk, size: toMb(bytes) };
    return imageFile === imageFileName(image) ? record : { ...record, imageFile };
  };

  const createFiles = async (dir: string, disks: DiskDefinition[]): Promise<DiskRecord[]> => {
    const records: DiskRecord[] = [];
    for (const [index, disk] of disks.entries()) {
      const path = join(dir, diskFileName(index));
      records.push(await createFile(path, disk));
      await sync(path);
    }
    return records;
  };

  const importFiles = async (dir: string, disks: readonly DiskImport[]): Promise<DiskRecord[]> => {
    const records: DiskRecord[] = [];
    for (const [index, { definition, file }] of disks.entries()) {
      const path = join(dir, diskFileName(index));
      const { 'virtual-size': bytes } = await readCheckedInfo(file);
      await convert(file, 'qcow2', path);
      await rm(file.path, { force: true });
      await sync(path);
      records.push({ ...definition, size: toMb(bytes) });
    }
    return records;
  };

  /** Creates the directory of a guest with its disks, which `make` writes. */
  const createGuest = async (
    guest: string,
    make: (dir: string) => Promise<DiskRecord[]>,
  ): Promise<StoredDisk[]> => {
    const dir = await mkdtemp(join(layout.work, 'guest-'));
    try {
      await writeRecords(dir, await make(dir));
      // One rename makes all of the guest's disks appear at once.
      await moveIntoPlace(dir, guestDir(layout, guest));
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
    return (await readDisks(layout, guest)) ?? [];
  };

  return {
    ...qcow2DiskChanges(layout, images, createFile),
    ...qcow2Clones(layout, images, createFile),

    guestsOfImage: (image) => guestsOfImage(layout, image),

    findDisks: (guest) => readDisks(layout, guest),

    createDisks: (guest, disks) => createGuest(guest, (dir) => createFiles(dir, disks)),

    importDisks: (guest, disks, fill) =>
      createGuest(guest, async (dir) => {
        const records = await importFiles(dir, disks);
        await fill(dir);
        return records;
      }),

    diskUse: (_guest, disks) => Promise.all(disks.map(({ source }) => readAllocatedBytes(source))),

    guestDir: (guest) => guestDir(layout, guest),

    deleteDisks: async (guest) => {
      const disks = (await readDisks(layout, guest)) ?? [];
      const open = await openFiles([...disks, ...(await readKept(layout, guest))]);
      const trash = await mkdtemp(join(layout.work, DELETED));
      const moved = await ifExists(rename(guestDir(layout, guest), join(trash, guest)).then(() => true));
      if (moved) await sync(layout.guests);
      await images.prune();
      return [...open, ...(await removeTrash(trash))];
    },

    checkDisk: (disk: StoredDisk, running) =>
      withGuestFile(layout, disk, 'read', async ({ standalone, gid, files }) => {
        // A full check takes what QEMU has not flushed yet for damage.
        if (running) await readOpenInfo(standalone(), { gid, files });
        else await checkImage(standalone(), { gid, files });
      }),

    repair: (disk) => repairFile(layout, disk),

    backsUpBy: { bitmaps: qcow2Bitmaps(layout) },

    ...qcow2KeptState(layout),

    withOpenDisk: (disk, mode, work) =>
      withGuestFile(layout, disk, mode, ({ onImage, files, gid }) =>
        work({ name: onImage({ 'read-only': mode === 'read' }), files, gid }),
      ),
  };
};
