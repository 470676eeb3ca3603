import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { GuestPaths } from '../layout.js';
import type { DiskImage } from '../machine/disks.js';
import type { PassedFiles } from './passed-files.js';

const { O_RDWR, O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;

/** The names under which QEMU opens a guest's files. */
export interface GuestFiles {
  images: DiskImage[];
  serialLog: string;
  seed?: string;
}

/** The group has no other members; the storage sub-agent's tools join it to open this disk and nothing else. */
const OWNER_AND_GROUP = 0o660;

const openDisk = async (
  files: PassedFiles,
  image: DiskImage,
  uid: number | undefined,
): Promise<DiskImage> => {
  const isFile = image.protocol === 'file';
  const setOwner = async (file: FileHandle): Promise<void> => {
    if (!isFile || uid === undefined) return;
    await file.chown(uid, uid);
    await file.chmod(OWNER_AND_GROUP);
  };
  const filename = await files.open(image.filename, O_RDWR | (isFile ? O_NOFOLLOW : 0), setOwner);
  if (image.backing === undefined) return { ...image, filename };
  return { ...image, filename, backing: await files.open(image.backing, O_RDONLY | O_NOFOLLOW) };
};

/**
 * Opens the files that a guest's QEMU needs. Disk files get the guest's user as owner, from which the storage
 * sub-agent learns it; their directories stay root's, so that QEMU cannot replace a file.
 */
export const openGuestFiles = async (
  files: PassedFiles,
  images: readonly DiskImage[],
  paths: GuestPaths,
  { seed, uid }: { seed: string | undefined; uid: number | undefined },
): Promise<GuestFiles> => {
  const opened: DiskImage[] = [];
  for (const image of images) opened.push(await openDisk(files, image, uid));
  return {
    images: opened,
    serialLog: await files.open(paths.serialLog, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW),
    ...(seed === undefined ? {} : { seed: await files.open(seed, O_RDONLY | O_NOFOLLOW) }),
  };
};
