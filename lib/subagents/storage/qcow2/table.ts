import type { FileHandle } from 'node:fs/promises';
import { notFound } from '../../shared/errors.js';
import { explainInUse } from '../open-disks.js';
import { LONG_TIMEOUT_MS, qemuImg, readOpenInfo } from '../qemu-img.js';
import type { StoredDisk } from '../stored.js';
import { BoundedReader } from './bounded-reader.js';
import { withGuestFile } from './guest-file.js';
import { readHeader } from './header.js';
import type { Qcow2Layout } from './layout.js';
import { readEntries } from './snapshot-table.js';

/** An entry of a file's snapshot table. qcow2 itself assigns the id, a number. */
export interface TableEntry {
  /** When it was taken, in seconds since 1970. */
  'date-sec'?: number;
  'date-nsec'?: number;
  id: string;
  name: string;
}

/**
 * The snapshot by which a rollback of several disks is undone when one of them fails, and which makes a running QEMU write
 * its list of snapshots again. No snapshot of a user's has a + in its name.
 */
export const UNDO = '+undo';

/** The snapshot that has what a disk was before it is restored from a backup. */
export const KEPT = '+kept';

/** The snapshots that no user has taken. */
export const HIDDEN: ReadonlySet<string> = new Set([UNDO, KEPT]);

/** Reads the table without a program; `undefined` for a file that QEMU had better judge. */
const readOwnTable = async (file: FileHandle): Promise<TableEntry[] | undefined> => {
  const reader = new BoundedReader(file);
  try {
    const header = await readHeader(reader);
    return header && (await readEntries(reader, header));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
};

/** Reads a file's snapshot table, which qcow2 keeps in the order of creation. */
export const readTable = (layout: Qcow2Layout, disk: StoredDisk): Promise<TableEntry[]> =>
  withGuestFile(
    layout,
    disk,
    'read',
    async (file) =>
      (await readOwnTable(file.handle)) ?? (await readOpenInfo(file.standalone(), file)).snapshots ?? [],
  );

export const findEntry = (table: readonly TableEntry[], disk: StoredDisk, name: string): TableEntry => {
  const entry = table.find((snapshot) => snapshot.name === name);
  if (!entry) throw notFound(`snapshot ${name} of disk ${disk.volume}`);
  return entry;
};

/**
 * Runs `qemu-img snapshot` on a stopped guest's disk.
 * @throws when it fails; the message names the program that has the disk open
 */
export const runOnDisk = async (
  layout: Qcow2Layout,
  disk: StoredDisk,
  flag: '-c' | '-d' | '-a',
  snapshot: string,
): Promise<void> => {
  const run = withGuestFile(layout, disk, 'write', (file) =>
    qemuImg(['snapshot', '-q', flag, snapshot, file.standalone()], {
      timeoutMs: LONG_TIMEOUT_MS,
      gid: file.gid,
      files: file.files,
    }),
  );
  await run.catch(async (error) => {
    throw await explainInUse(disk, error);
  });
};

/**
 * Removes the snapshot `UNDO` from the disks that have it. A disk that cannot be changed keeps it until the next change of
 * the guest's snapshots.
 */
export const dropUndo = async (layout: Qcow2Layout, disks: StoredDisk[]): Promise<void> => {
  for (const disk of disks) {
    const table = await readTable(layout, disk).catch(() => []);
    if (table.some(({ name }) => name === UNDO))
      await runOnDisk(layout, disk, '-d', UNDO).catch(() => undefined);
  }
};
