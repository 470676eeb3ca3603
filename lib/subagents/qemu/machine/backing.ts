import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Disk } from '../../../model/guest.js';
import { IMAGES_DIR, imageFileName } from '../../shared/qcow2/file-name.js';
import { buildsOnImage } from '../../shared/qcow2/header.js';

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
  const paths = disk.image ? roots.map((root) => join(root, IMAGES_DIR, imageFileName(disk.image))) : [];
  const file = await open(disk.path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (!(await buildsOnImage(file, disk.path, paths))) return undefined;
  } finally {
    await file.close();
  }
  const [image = ''] = paths;
  return realpath(image).catch(() => {
    throw new Error(`its image ${disk.image} no longer exists: ${image}`);
  });
};
