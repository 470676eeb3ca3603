import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { GuestPaths } from '../layout.js';
import type { DiskImage } from '../machine/disks.js';
import type { PassedFiles } from './passed-files.js';

const { O_RDWR, O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;

/** What QEMU opens, by the names that it finds it under. */
export interface GuestFiles {
  images: DiskImage[];
  serialLog: string;
  seed?: string;
}

const passDisk = async (
  files: PassedFiles,
  image: DiskImage,
  uid: number | undefined,
): Promise<DiskImage> => {
  const isFile = image.protocol === 'file';
  const own = async (file: FileHandle): Promise<void> => {
    if (!isFile || uid === undefined) return;
    await file.chown(uid, uid);
    await file.chmod(OWN_AND_GROUP);
  };
  const filename = await files.open(image.filename, O_RDWR | (isFile ? O_NOFOLLOW : 0), own);
  if (image.backing === undefined) return { ...image, filename };
  return { ...image, filename, backing: await files.open(image.backing, O_RDONLY | O_NOFOLLOW) };
};

/** The group has one member; the storage sub-agent's tools join it to get at this disk alone. */
const OWN_AND_GROUP = 0o660;

/**
 * Opens what a guest's QEMU needs. Its disks become its own, which the storage sub-agent knows it by, but the
 * directories that they are in stay ours: it can put nothing in their place.
 */
export const passFiles = async (
  files: PassedFiles,
  images: readonly DiskImage[],
  paths: GuestPaths,
  { seed, uid }: { seed: string | undefined; uid: number | undefined },
): Promise<GuestFiles> => {
  const passed: DiskImage[] = [];
  for (const image of images) passed.push(await passDisk(files, image, uid));
  return {
    images: passed,
    serialLog: await files.open(paths.serialLog, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW),
    ...(seed === undefined ? {} : { seed: await files.open(seed, O_RDONLY | O_NOFOLLOW) }),
  };
};
