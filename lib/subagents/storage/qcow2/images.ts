import { constants } from 'node:fs';
import { chmod, copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { errorMessage } from '../../../errors.js';
import { ifExists, moveIntoPlace, sync } from '../../../files/atomic-files.js';
import type { Logger } from '../../../log.js';
import { convert } from '../convert.js';
import type { DiskStore, StoredImage } from '../disk-store.js';
import { requireReadable } from '../errors.js';
import { readImageInfo } from '../qemu-img.js';
import { imageIdOf, imagePath, imageVolume, type Qcow2Layout } from './layout.js';
import { openFiles } from './leftovers.js';

type Images = Pick<DiskStore, 'listImages' | 'findImage' | 'addImage' | 'copyImage' | 'deleteImage'>;

/** How many image headers are read at the same time. */
const READERS = 4;

const READ_ONLY = 0o444;

/** Reads virtual sizes in bytes by path, and caches each until the file's mtime changes. */
const cachedSizes = (): ((path: string) => Promise<number | undefined>) => {
  const known = new Map<string, { mtimeMs: number; virtualSize: number }>();
  return async (path) => {
    const stats = await ifExists(stat(path));
    if (!stats) {
      known.delete(path);
      return undefined;
    }
    const cached = known.get(path);
    if (cached?.mtimeMs === stats.mtimeMs) return cached.virtualSize;
    const { 'virtual-size': virtualSize } = await readImageInfo('qcow2', path);
    known.set(path, { mtimeMs: stats.mtimeMs, virtualSize });
    return virtualSize;
  };
};

/** Stores images as self-contained qcow2 files that never change. */
export const qcow2Images = (layout: Qcow2Layout, log: Logger): Images => {
  const virtualSizeOf = cachedSizes();

  const findImage = async (id: string): Promise<StoredImage | undefined> => {
    const path = imagePath(layout, id);
    const volume = imageVolume(id);
    try {
      const virtualSize = await virtualSizeOf(path);
      return virtualSize === undefined ? undefined : { id, virtualSize, volume };
    } catch (error) {
      // One damaged file must not hide the others, and must be deletable.
      const unreadable = errorMessage(error);
      log.warn({ image: id }, `image unreadable: ${unreadable}`);
      return { id, virtualSize: 0, unreadable, volume };
    }
  };

  /** Installs the file that `make` writes as the image, once it is on the device. */
  const add = async (id: string, make: (path: string) => Promise<void>): Promise<StoredImage> => {
    const target = imagePath(layout, id);
    const dir = await mkdtemp(join(layout.work, 'image-'));
    try {
      const path = join(dir, 'image');
      await make(path);
      // The guests' QEMUs reopen the file that they inherit, each as its own user. None of them can enter the
      // directory.
      await chmod(path, READ_ONLY);
      await moveIntoPlace(path, target);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
    const image = await findImage(id);
    if (!image) throw new Error(`image ${id} was removed from ${layout.images} while it was being added`);
    return requireReadable(image);
  };

  return {
    findImage,

    listImages: async () => {
      const ids = (await readdir(layout.images)).map(imageIdOf).filter((id) => id !== undefined);
      const images = await pLimit(READERS).map(ids.sort(), findImage);
      return images.filter((image) => image !== undefined);
    },

    addImage: (id, file) => add(id, (path) => convert(file, 'qcow2', path)),

    copyImage: (id, dest) =>
      add(dest, (path) => copyFile(imagePath(layout, id), path, constants.COPYFILE_FICLONE)),

    deleteImage: async (id) => {
      const source = imagePath(layout, id);
      const open = await openFiles([{ volume: imageVolume(id), source }]);
      await rm(source, { force: true });
      await sync(layout.images);
      return open;
    },
  };
};
