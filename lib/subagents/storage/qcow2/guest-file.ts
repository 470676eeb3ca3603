import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ifExists } from '../../../files/atomic-files.js';
import { isRoot } from '../../../process/unprivileged.js';
import { notFound } from '../../shared/errors.js';
import { buildsOnImage } from '../../shared/qcow2/header.js';
import type { StoredDisk } from '../disk-store.js';
import { type OpenFile, openFileName } from '../qemu-img.js';
import { imagePath, type Layout } from './layout.js';

const { O_RDONLY, O_RDWR, O_NOFOLLOW } = constants;

type Options = Record<string, boolean | null>;

/** A guest's disk, open, as a tool is to be given it. */
export interface GuestFile {
  /** What the tool is to find open. */
  files: OpenFile[];
  /**
   * The group that it is to run in: that of the guest's QEMU, once that has had the disk. Not as its user too, who
   * could take over the tool, and with that be rid of the sandbox.
   */
  gid: number | undefined;
  /**
   * The name by which a tool opens the disk alone, whatever its header says.
   * @param options of the block driver
   */
  alone: (options?: Options) => string;
  /** The name by which a tool opens it on top of its image, to be read only. */
  onImage: () => string;
}

const nodeOf = (index: number, options: Record<string, unknown>): Record<string, unknown> => ({
  driver: 'qcow2',
  file: { driver: 'file', filename: openFileName(index) },
  ...options,
});

const nameOf = (index: number, options: Record<string, unknown>): string =>
  `json:${JSON.stringify(nodeOf(index, options))}`;

/** Shared with a QEMU that writes to the disk. */
const READ_SHARED = { 'read-only': true, 'force-share': true };

const groupOf = async (file: FileHandle): Promise<number | undefined> => {
  const { uid, gid } = await file.stat();
  return isRoot() && uid !== 0 ? gid : undefined;
};

const openBoth = async (
  { source, image }: StoredDisk,
  layout: Layout,
  file: FileHandle,
): Promise<FileHandle | undefined> => {
  const path = image === '' ? undefined : imagePath(layout, image);
  if (!(await buildsOnImage(file, source, path === undefined ? [] : [path]))) return undefined;
  return open(path ?? '', O_RDONLY | O_NOFOLLOW);
};

/**
 * Does `work` on a guest's qcow2 file. Its content may be hostile: whoever has broken out of the guest into its QEMU
 * wrote it. So tools are told what it builds on instead of believing it, get the files opened, and have a right to
 * these alone.
 * @throws when the header names a file that the disk was not made with
 */
export const withGuestFile = async <T>(
  layout: Layout,
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
      gid: await groupOf(file),
      files: [file, ...(image ? [image] : [])].map(({ fd }) => ({ fd, path: disk.source })),
      alone: (options = {}) => nameOf(0, { ...options, backing: null }),
      onImage: () => nameOf(0, { ...READ_SHARED, backing }),
    });
  } finally {
    await file.close();
    await image?.close();
  }
};
