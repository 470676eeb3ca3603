import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ifExists } from '../../../files/atomic-files.js';
import type { Disk } from '../../../model/guest.js';
import { IMAGES_DIR, imageFileName, parseImageFileName } from '../../shared/qcow2/file-name.js';
import { findImagePath } from '../../shared/qcow2/header.js';

/** Lists the names of an image's files: a disk may build on an earlier version than the newest. */
const versionsOf = async (dir: string, image: string): Promise<string[]> => {
  const names = (await ifExists(readdir(dir))) ?? [];
  // The name of the first version, even where the file is missing, for the error.
  const first = imageFileName(image);
  return [first, ...names.filter((name) => name !== first && parseImageFileName(name)?.id === image)];
};

/**
 * Returns the path of the image that a disk builds on; `undefined` for a disk without a backing file.
 * @param disk with the real `path` of its file and the directory `dir` that all disks are in
 * @throws when the disk's header names another file, or the image is missing
 */
export const findBacking = async (
  disk: Pick<Disk, 'source' | 'image'> & { path: string; dir: string },
): Promise<string | undefined> => {
  // The storage sub-agent wrote the image's path as it knows its own directory, which may contain symbolic links.
  const roots = [dirname(disk.dir), dirname(dirname(dirname(disk.source)))];
  const names = disk.image ? await versionsOf(join(roots[0] ?? '', IMAGES_DIR), disk.image) : [];
  const paths = roots.flatMap((root) => names.map((name) => join(root, IMAGES_DIR, name)));
  const file = await open(disk.path, constants.O_RDONLY | constants.O_NOFOLLOW);
  let named: string | undefined;
  try {
    named = await findImagePath(file, disk.path, paths);
  } finally {
    await file.close();
  }
  if (named === undefined) return undefined;
  const image = join(roots[0] ?? '', IMAGES_DIR, basename(named));
  return realpath(image).catch(() => {
    throw new Error(`its image ${disk.image} no longer exists: ${image}`);
  });
};
