import { constants } from 'node:fs';
import { chmod, copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { errorMessage } from '../../../errors.js';
import { allocatedBytes } from '../../../files/allocated-bytes.js';
import { ifExists, moveIntoPlace, sync } from '../../../files/atomic-files.js';
import type { Logger } from '../../../log.js';
import { imageFileName, parseImageFileName } from '../../shared/qcow2/file-name.js';
import { convert } from '../convert.js';
import type { DiskStore } from '../disk-store.js';
import { requireReadable } from '../errors.js';
import { readImageInfo } from '../qemu-img.js';
import type { StoredImage } from '../stored.js';
import { isStaleBase } from './bases.js';
import { imageVolume, type Qcow2Layout } from './layout.js';
import { openFiles } from './leftovers.js';
import { readOwnSize } from './read-own.js';
import { usedImageFiles } from './records.js';

export interface Qcow2Images
  extends Pick<
    DiskStore,
    'listImages' | 'findImage' | 'imageFile' | 'addImage' | 'replaceImage' | 'copyImage' | 'deleteImage'
  > {
  /** Returns the name of the file of an image's newest version. */
  currentFile(id: string): Promise<string>;
  /** Adds the file that `make` writes as an image. */
  make(id: string, make: (path: string) => Promise<void>): Promise<StoredImage>;
  /**
   * Removes earlier versions of images on which no disk builds any longer, and bases of linked clones whose source is gone.
   * Never rejects.
   */
  prune(): Promise<void>;
  /** Keeps `prune` from removing files of images while `work` makes disks that build on them. */
  keeping<T>(names: readonly string[], work: () => Promise<T>): Promise<T>;
}

/** How many image headers are read at the same time. */
const READERS = 4;

const READ_ONLY = 0o444;

/** Bytes of an image's disk, and those that its file takes. */
type Sizes = Required<Pick<StoredImage, 'virtualSize' | 'usedBytes'>>;

/** Reads sizes by path, and caches each until the file's mtime changes. */
const cachedSizes = (): ((path: string) => Promise<Sizes | undefined>) => {
  const known = new Map<string, { mtimeMs: number; virtualSize: number }>();
  return async (path) => {
    const stats = await ifExists(stat(path));
    if (!stats) {
      known.delete(path);
      return undefined;
    }
    const usedBytes = allocatedBytes(stats);
    const cached = known.get(path);
    if (cached?.mtimeMs === stats.mtimeMs) return { virtualSize: cached.virtualSize, usedBytes };
    const virtualSize = (await readOwnSize(path)) ?? (await readImageInfo('qcow2', path))['virtual-size'];
    known.set(path, { mtimeMs: stats.mtimeMs, virtualSize });
    return { virtualSize, usedBytes };
  };
};

/** The newest version first. */
const newestFirst = (names: string[]): string[] =>
  names.sort(
    (one, other) => (parseImageFileName(other)?.version ?? 0) - (parseImageFileName(one)?.version ?? 0),
  );

/** Stores images as self-contained qcow2 files that never change. A refreshed image gets another file. */
export const qcow2Images = (layout: Qcow2Layout, log: Logger): Qcow2Images => {
  const sizesOf = cachedSizes();
  const kept: string[] = [];

  /** Returns the names of an image's files, the newest version first. */
  const filesOf = async (id: string): Promise<string[]> =>
    newestFirst((await readdir(layout.images)).filter((name) => parseImageFileName(name)?.id === id));

  const currentFile = async (id: string): Promise<string> => (await filesOf(id))[0] ?? imageFileName(id);

  const currentPath = async (id: string): Promise<string> => join(layout.images, await currentFile(id));

  const findImage = async (id: string): Promise<StoredImage | undefined> => {
    const path = await currentPath(id);
    const volume = imageVolume(id);
    try {
      const sizes = await sizesOf(path);
      return sizes && { id, ...sizes, volume };
    } catch (error) {
      // One damaged file must not hide the others, and must be deletable.
      const unreadable = errorMessage(error);
      log.warn({ image: id }, `image unreadable: ${unreadable}`);
      return { id, virtualSize: 0, unreadable, volume };
    }
  };

  /** Installs the file that `make` writes as the image, once it is on the device. */
  const add = async (
    id: string,
    make: (path: string) => Promise<void>,
    version = 1,
  ): Promise<StoredImage> => {
    const target = join(layout.images, imageFileName(id, version));
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

  const prune = async (): Promise<void> => {
    const used = await usedImageFiles(layout);
    const names = newestFirst(await readdir(layout.images));
    const current = new Set<string>();
    for (const name of names) {
      const id = parseImageFileName(name)?.id;
      if (id === undefined) continue;
      const isUsed = used.has(name) || kept.includes(name);
      if (!isUsed && (current.has(id) || (await isStaleBase(layout, id))))
        await rm(join(layout.images, name), { force: true });
      current.add(id);
    }
  };

  return {
    findImage,
    imageFile: async (id) => ({ path: await currentPath(id), format: 'qcow2' }),
    currentFile,
    make: add,

    keeping: async (names, work) => {
      kept.push(...names);
      try {
        return await work();
      } finally {
        for (const name of names) kept.splice(kept.indexOf(name), 1);
      }
    },

    prune: () =>
      prune().catch((error) =>
        log.warn(`earlier versions of images are not removed: ${errorMessage(error)}`),
      ),

    listImages: async () => {
      const ids = (await readdir(layout.images)).map((name) => parseImageFileName(name)?.id);
      const unique = [...new Set(ids.filter((id) => id !== undefined))].sort();
      const images = await pLimit(READERS).map(unique, findImage);
      return images.filter((image) => image !== undefined);
    },

    addImage: (id, file, progress) => add(id, (path) => convert(file, 'qcow2', path, progress)),

    replaceImage: async (id, file, progress) => {
      const [newest] = await filesOf(id);
      const version = newest === undefined ? 1 : (parseImageFileName(newest)?.version ?? 1) + 1;
      const image = await add(id, (path) => convert(file, 'qcow2', path, progress), version);
      await prune();
      return image;
    },

    copyImage: (id, dest) =>
      add(dest, async (path) => copyFile(await currentPath(id), path, constants.COPYFILE_FICLONE)),

    deleteImage: async (id) => {
      const sources = (await filesOf(id)).map((name) => join(layout.images, name));
      const open = await openFiles(sources.map((source) => ({ volume: imageVolume(id), source })));
      for (const source of sources) await rm(source, { force: true });
      await sync(layout.images);
      return open;
    },
  };
};
