import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { sync } from '../../../files/atomic-files.js';
import { isRoot } from '../../../process/unprivileged.js';
import { LONG_TIMEOUT_MS, openFileName, qemuImg, readOpenInfo } from '../qemu-img.js';
import type { StoredDisk } from '../stored.js';
import { type GuestFile, withGuestFile } from './guest-file.js';
import type { Qcow2Layout } from './layout.js';
import { imagePathOf } from './records.js';
import { findEntry, type TableEntry } from './table.js';

export interface CopyOptions {
  /** The file to create. */
  path: string;
  /** The snapshot to copy; absent for the present state, which must not change meanwhile. */
  snapshot?: string | undefined;
  /** Whether the copy builds on the same image, so that only the disk's own data is copied. */
  onImage: boolean;
  signal?: AbortSignal | undefined;
}

const OWNER_ONLY = 0o600;
const GROUP_TOO = 0o660;

/** Names the copy, which the tool inherits after `files`, for `--target-image-opts`. */
const targetOptions = ({ files }: GuestFile, onImage: boolean): string => {
  const own = `driver=qcow2,file.driver=file,file.filename=${openFileName(files.length)}`;
  return onImage
    ? `${own},backing.driver=qcow2,backing.file.driver=file,backing.file.filename=${openFileName(1)},backing.read-only=on`
    : own;
};

const convertArgs = (
  source: GuestFile,
  entry: TableEntry | undefined,
  image: string | undefined,
): [string, ...string[]] => [
  ...(['convert', '-q', '-n'] as const),
  ...(entry ? ['-l', `snapshot.id=${entry.id},snapshot.name=${entry.name}`] : []),
  ...(image === undefined ? ['--target-is-zero'] : ['-B', image, '-F', 'qcow2']),
  ...['--target-image-opts', source.onImage(), targetOptions(source, image !== undefined)],
];

/** Opens the copy to the tool, which runs in the guest's own group, only while it runs. */
const whileOpen = async (
  path: string,
  gid: number | undefined,
  work: (fd: number) => Promise<void>,
): Promise<void> => {
  const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    if (isRoot() && gid !== undefined) {
      await file.chown(0, gid);
      await file.chmod(GROUP_TOO);
    }
    await work(file.fd);
    if (isRoot() && gid !== undefined) await file.chown(0, 0);
    await file.chmod(OWNER_ONLY);
  } finally {
    await file.close();
  }
};

/**
 * Copies a guest's disk, or its UEFI variables, or one of their snapshots, into a new qcow2 file. A guest that runs may
 * write meanwhile: QEMU never touches the clusters of a snapshot. A snapshot comes out in the present size of its disk.
 */
export const copyGuestFile = (
  layout: Qcow2Layout,
  disk: StoredDisk,
  { path, snapshot, onImage, signal }: CopyOptions,
): Promise<void> =>
  withGuestFile(layout, disk, 'read', async (file) => {
    const { gid, files } = file;
    const { snapshots = [], 'virtual-size': bytes } = await readOpenInfo(file.standalone(), file);
    const entry = snapshot === undefined ? undefined : findEntry(snapshots, disk, snapshot);
    const image = onImage && files.length > 1 ? imagePathOf(layout, disk) : undefined;
    const backing = image === undefined ? [] : ['-b', image, '-F', 'qcow2'];
    await qemuImg(['create', '-q', '-f', 'qcow2', ...backing, path, String(bytes)]);
    await whileOpen(path, gid, async (fd) => {
      await qemuImg(convertArgs(file, entry, image), {
        timeoutMs: LONG_TIMEOUT_MS,
        ...{ gid, files: [...files, { fd, path }] },
        ...(signal ? { signal } : {}),
      });
    });
    await sync(path);
  });

/** A file on no image needs no directory of images. */
const NO_LAYOUT: Qcow2Layout = { images: '', guests: '', work: '' };

/** As `copyGuestFile`, for the present state of a qcow2 file anywhere, which must not build on another one. */
export const copyStandaloneFile = (source: string, path: string): Promise<void> => {
  const file = { index: 0, bus: '', device: '', image: '', requested: 0, size: 0, volume: source, source };
  return copyGuestFile(NO_LAYOUT, file, { path, onImage: false });
};
