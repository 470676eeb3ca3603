import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Locks } from '../../../async/keyed-locks.js';
import { allocatedBytes } from '../../../files/allocated-bytes.js';
import { moveIntoPlace, sync } from '../../../files/atomic-files.js';
import { nvramPath } from '../../shared/nvram.js';
import { imageFileName } from '../../shared/qcow2/file-name.js';
import type { DiskStore } from '../disk-store.js';
import { requireReadable } from '../errors.js';
import type { CloneSource, DiskDefinition, StoredDisk } from '../stored.js';
import { baseId, whileUnchanged } from './bases.js';
import { type CopyOptions, copyGuestFile } from './copy.js';
import type { Qcow2Images } from './images.js';
import { diskFileName, guestDir, type Qcow2Layout } from './layout.js';
import { type DiskRecord, imageFileOf, readDisks, writeRecords } from './records.js';

type Clones = Pick<DiskStore, 'cloneDisks' | 'imageOfSnapshot' | 'linksPresentState' | 'copyBytes'>;

/** Creates disks from those of other guests: copies on the same image, or overlays on an image that linked clones share. */
export const qcow2Clones = (
  layout: Qcow2Layout,
  images: Qcow2Images,
  createFile: (path: string, disk: DiskDefinition) => Promise<DiskRecord>,
): Clones => {
  const locks = new Locks();

  /** Finds the image that linked clones of a disk build on, or makes it from the disk. */
  const findBase = (
    disk: StoredDisk,
    snapshot: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string> =>
    locks.run(disk.volume, async () => {
      const id = await baseId(layout, disk, snapshot);
      const existing = await images.findImage(id);
      if (existing) {
        requireReadable(existing);
        return id;
      }
      const copy = (path: string): Promise<void> =>
        copyGuestFile(layout, disk, { path, snapshot, onImage: false, signal });
      await images.make(id, (path) =>
        snapshot === undefined ? whileUnchanged(disk, () => copy(path)) : copy(path),
      );
      return id;
    });

  const copy = async (
    path: string,
    disk: StoredDisk,
    definition: DiskDefinition,
    { snapshot, signal }: Pick<CopyOptions, 'snapshot' | 'signal'>,
  ): Promise<DiskRecord> => {
    await copyGuestFile(layout, disk, { path, snapshot, onImage: true, signal });
    const { image, size } = disk;
    const imageFile = imageFileOf(disk);
    const record = { ...definition, image, size };
    return image === '' || imageFile === imageFileName(image) ? record : { ...record, imageFile };
  };

  /** Creates the files of all disks in a directory. */
  const createAll = async (
    dir: string,
    { disks, snapshot }: CloneSource,
    definitions: DiskDefinition[],
    { bases, signal }: { bases: string[]; signal: AbortSignal | undefined },
  ): Promise<DiskRecord[]> => {
    const records: DiskRecord[] = [];
    for (const [index, definition] of definitions.entries()) {
      const path = join(dir, diskFileName(index));
      const [disk, image] = [disks[index], bases[index]];
      if (image !== undefined) records.push(await createFile(path, { ...definition, image }));
      else if (disk) records.push(await copy(path, disk, definition, { snapshot, signal }));
      await sync(path);
    }
    return records;
  };

  return {
    linksPresentState: true,

    cloneDisks: async (guest, source, definitions, options) => {
      const { disks, nvram, snapshot } = source;
      const { linked, addFiles, signal } = options;
      const bases: string[] = [];
      if (linked) for (const disk of disks) bases.push(await findBase(disk, snapshot, signal));
      const used = disks.filter(({ image }) => image !== '').map(imageFileOf);
      const dir = await mkdtemp(join(layout.work, 'guest-'));
      try {
        await images.keeping([...used, ...bases.map((id) => imageFileName(id))], async () => {
          const records = await createAll(dir, source, definitions, { bases, signal });
          if (nvram) await copyGuestFile(layout, nvram, { path: nvramPath(dir), snapshot, onImage: false });
          await addFiles(dir);
          await writeRecords(dir, records);
          // One rename makes all of the guest's disks appear at once.
          await moveIntoPlace(dir, guestDir(layout, guest));
        });
      } catch (error) {
        await rm(dir, { recursive: true, force: true });
        throw error;
      }
      return (await readDisks(layout, guest)) ?? [];
    },

    imageOfSnapshot: (id, disk, snapshot, signal) =>
      images.make(id, (path) => copyGuestFile(layout, disk, { path, snapshot, onImage: false, signal })),

    copyBytes: async ({ source }) => allocatedBytes(await stat(source)),
  };
};
