import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Disk } from '../../../model/guest.js';
import { imageFileName } from '../../shared/qcow2/file-name.js';
import { buildsOnImage } from '../../shared/qcow2/header.js';

/** The images are beside the directory that the guests' disks are in. */
const IMAGES = 'images';

/**
 * The file of the image that a disk builds on, `undefined` for one that builds on none.
 * @param disk its path with all links followed, and the directory of all disks
 * @throws when it builds on anything else, or the image is not there
 */
export const findBacking = async (
  disk: Pick<Disk, 'source' | 'image'> & { path: string; dir: string },
): Promise<string | undefined> => {
  // The storage sub-agent wrote the name as it knows its own directory, links and all.
  const roots = [dirname(disk.dir), dirname(dirname(dirname(disk.source)))];
  const names = disk.image ? roots.map((root) => join(root, IMAGES, imageFileName(disk.image))) : [];
  const file = await open(disk.path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (!(await buildsOnImage(file, disk.path, names))) return undefined;
  } finally {
    await file.close();
  }
  const [own = ''] = names;
  return realpath(own).catch(() => {
    throw new Error(`its image ${disk.image} is not there any more: ${own}`);
  });
};
