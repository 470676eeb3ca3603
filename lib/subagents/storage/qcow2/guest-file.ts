import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ifExists } from '../../../files/atomic-files.js';
import { isRoot } from '../../../process/unprivileged.js';
import { notFound } from '../../shared/errors.js';
import { findImagePath } from '../../shared/qcow2/header.js';
import { type OpenFile, openFileName } from '../qemu-img.js';
import type { StoredDisk } from '../stored.js';
import type { Qcow2Layout } from './layout.js';
import { imagePathOf } from './records.js';

const { O_RDONLY, O_RDWR, O_NOFOLLOW } = constants;

type Options = Record<string, boolean | null>;

/** A guest's open disk, as a tool receives it. */
export interface GuestFile {
  /** The disk itself. */
  handle: FileHandle;
  /** The files that the tool inherits. */
  files: OpenFile[];
  /**
   * The group to run the tool in: that of the guest's QEMU, if QEMU has ever owned the disk. The tool must not run as
   * QEMU's user, which could then take over the tool and escape its own sandbox.
   */
  gid: number | undefined;
  /**
   * Names the disk without its backing file, whatever its header says.
   * @param options further options of the block driver
   */
  standalone: (options?: Options) => string;
  /**
   * Names the disk on top of its image.
   * @param options further options of the block driver; by default, it is read while a QEMU may write to it
   */
  onImage: (options?: Options) => string;
}

const nodeOf = (index: number, options: Record<string, unknown>): Record<string, unknown> => ({
  driver: 'qcow2',
  file: { driver: 'file', filename: openFileName(index) },
  ...options,
});

const nameOf = (index: number, options: Record<string, unknown>): string =>
  `json:${JSON.stringify(nodeOf(index, options))}`;

/** Permits a QEMU to write to the disk at the same time. */
const READ_SHARED = { 'read-only': true, 'force-share': true };

const groupOf = async (file: FileHandle): Promise<number | undefined> => {
  const { uid, gid } = await file.stat();
  return isRoot() && uid !== 0 ? gid : undefined;
};

const openBoth = async (
  disk: StoredDisk,
  layout: Qcow2Layout,
  file: FileHandle,
): Promise<FileHandle | undefined> => {
  const paths = disk.image === '' ? [] : [imagePathOf(layout, disk)];
  const path = await findImagePath(file, disk.source, paths);
  return path === undefined ? undefined : open(path, O_RDONLY | O_NOFOLLOW);
};

/**
 * Runs `work` on a guest's qcow2 file. The content may be hostile, since a guest that has taken over its QEMU can write
 * anything into it. Tools therefore inherit the open files, may access no others, and get the backing file's name as an
 * option, not from the header.
 * @throws when the header names a file other than the disk's image
 */
export const withGuestFile = async <T>(
  layout: Qcow2Layout,
  disk: StoredDisk,
  mode: 'read' | 'write',
  work: (file: GuestFile) => Promise<T>,
): Promise<T> => {
  const flags = (mode === 'write' ? O_RDWR : O_RDONLY) | O_NOFOLLOW;
  const file = await ifExists(open(disk.source, flags));
  if (!file) throw notFound(`disk ${disk.volume}`);
  let image: FileHandle | undefined;
  try {
    image = await openBoth(disk, layout, file);
    const backing = image ? nodeOf(1, { ...READ_SHARED, backing: null }) : null;
    return await work({
      handle: file,
      gid: await groupOf(file),
      files: [file, ...(image ? [image] : [])].map(({ fd }) => ({ fd, path: disk.source })),
      standalone: (options = {}) => nameOf(0, { ...options, backing: null }),
      onImage: (options = READ_SHARED) => nameOf(0, { ...options, backing }),
    });
  } finally {
    await file.close();
    await image?.close();
  }
};
