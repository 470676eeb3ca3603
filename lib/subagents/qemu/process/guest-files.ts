import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { OpenedFirmware } from '../firmware/arguments.js';
import type { GuestPaths } from '../layout.js';
import type { DiskImage } from '../machine/disks.js';
import type { DriveMedium } from '../machine/drives.js';
import type { PassedFiles } from './passed-files.js';

const { O_RDWR, O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;

/** The names under which QEMU opens a guest's files. */
export interface GuestFiles {
  images: DiskImage[];
  media: DriveMedium[];
  serialLog: string;
  seed?: string;
  firmware?: OpenedFirmware;
}

/** What a guest needs besides its disks. */
export interface OtherFiles {
  media: readonly DriveMedium[];
  seed: string | undefined;
  firmware: OpenedFirmware | undefined;
  uid: number | undefined;
}

/** How QEMU opens the ISO image in a CD drive. */
export const MEDIUM_FLAGS = O_RDONLY | O_NOFOLLOW;

/** The group has no other members; the storage sub-agent's tools join it to open this disk and nothing else. */
const OWNER_AND_GROUP = 0o660;

/** Gives a file to the guest's user. */
export const ownedBy =
  (uid: number | undefined) =>
  async (file: FileHandle): Promise<void> => {
    if (uid === undefined) return;
    await file.chown(uid, uid);
    await file.chmod(OWNER_AND_GROUP);
  };

/** The program may be a link: distributions give one file several names. */
const openFirmware = async (
  files: PassedFiles,
  { code, nvram }: OpenedFirmware,
  uid: number | undefined,
): Promise<OpenedFirmware> => ({
  code: { ...code, filename: await files.open(code.filename, O_RDONLY) },
  nvram: await files.open(nvram, O_RDWR | O_NOFOLLOW, ownedBy(uid)),
});

/**
 * Opens a disk for a guest's QEMU.
 * @param files where QEMU gets the open files from
 */
export const openDisk = async (
  files: Pick<PassedFiles, 'open'>,
  image: DiskImage,
  uid: number | undefined,
): Promise<DiskImage> => {
  const isFile = image.protocol === 'file';
  const flags = O_RDWR | (isFile ? O_NOFOLLOW : 0);
  const filename = await files.open(image.filename, flags, isFile ? ownedBy(uid) : undefined);
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
  { media, seed, firmware, uid }: OtherFiles,
): Promise<GuestFiles> => {
  const opened: DiskImage[] = [];
  for (const image of images) opened.push(await openDisk(files, image, uid));
  const inDrives: DriveMedium[] = [];
  for (const medium of media) {
    const filename = await files.open(medium.image.filename, MEDIUM_FLAGS);
    inDrives.push({ ...medium, image: { ...medium.image, filename } });
  }
  return {
    images: opened,
    media: inDrives,
    serialLog: await files.open(paths.serialLog, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW),
    ...(seed === undefined ? {} : { seed: await files.open(seed, O_RDONLY | O_NOFOLLOW) }),
    ...(firmware === undefined ? {} : { firmware: await openFirmware(files, firmware, uid) }),
  };
};
