import type { QmpClient } from '../../../qmp/client.js';
import { notFound } from '../../shared/errors.js';
import type { DiskStore, StoredDisk } from '../disk-store.js';
import { isNoSpace } from '../errors.js';
import { LONG_TIMEOUT_MS, qemuImg, readOpenInfo } from '../qemu-img.js';
import { readConsistency, writeConsistency } from './consistency.js';
import { withGuestFile } from './guest-file.js';
import type { Layout } from './layout.js';
import { createLiveSnapshot, deleteLiveSnapshot } from './live.js';
import { streamSnapshot } from './nbd.js';

type Snapshots = Pick<
  DiskStore,
  | 'snapshots'
  | 'createSnapshot'
  | 'setConsistency'
  | 'deleteSnapshot'
  | 'rollback'
  | 'requireUnused'
  | 'readSnapshot'
>;

/** An entry of a file's snapshot table; the id is the number that qcow2 itself gave it. */
interface TableEntry {
  id: string;
  name: string;
}

/** The snapshots in a file's snapshot table, which qcow2 keeps in the order they were taken. */
const readTable = (layout: Layout, disk: StoredDisk): Promise<TableEntry[]> =>
  withGuestFile(
    layout,
    disk,
    'read',
    async (file) => (await readOpenInfo(file.alone(), file)).snapshots ?? [],
  );

const find = (table: readonly TableEntry[], disk: StoredDisk, name: string): TableEntry => {
  const entry = table.find((snapshot) => snapshot.name === name);
  if (!entry) throw notFound(`${disk.volume}@${name}`);
  return entry;
};

const run = (layout: Layout, disk: StoredDisk, flag: '-c' | '-d' | '-a', snapshot: string): Promise<string> =>
  withGuestFile(layout, disk, 'write', (file) =>
    qemuImg(['snapshot', '-q', flag, snapshot, file.alone()], {
      timeoutMs: LONG_TIMEOUT_MS,
      gid: file.gid,
      files: file.files,
    }),
  );

/** Takes back what was done of a snapshot that failed; what is not there needs no removal. */
const undo = async (layout: Layout, disks: StoredDisk[], name: string): Promise<void> => {
  for (const disk of disks) await run(layout, disk, '-d', name).catch(() => undefined);
};

const createAll = async (layout: Layout, disks: StoredDisk[], name: string): Promise<void> => {
  try {
    for (const disk of disks) await run(layout, disk, '-c', name);
  } catch (error) {
    await undo(layout, disks, name);
    throw error;
  }
};

/** On a full device it stays, until a snapshot of that name is taken again. */
const forgetConsistency = async (layout: Layout, disks: StoredDisk[], name: string): Promise<void> => {
  try {
    await writeConsistency(layout, disks, name);
  } catch (error) {
    if (!isNoSpace(error)) throw error;
  }
};

/** qcow2's internal snapshots: through QEMU for a running guest, through qemu-img for a stopped one. */
export const qcow2Snapshots = (layout: Layout): Snapshots => {
  const deleteOne = async (disk: StoredDisk, name: string, live?: QmpClient): Promise<void> => {
    if (live) await deleteLiveSnapshot(live, disk, name);
    else await run(layout, disk, '-d', name);
  };

  return {
    snapshots: async (disk) => {
      const [table, consistencyOf] = await Promise.all([readTable(layout, disk), readConsistency(disk)]);
      return table.map(({ name }) => ({ name, consistency: consistencyOf(name) }));
    },

    createSnapshot: async (disks, name, live) => {
      // Of an earlier one of that name.
      await writeConsistency(layout, disks, name);
      await (live ? createLiveSnapshot(live, disks, name) : createAll(layout, disks, name));
    },

    setConsistency: (disks, name, consistency) => writeConsistency(layout, disks, name, consistency),

    deleteSnapshot: async (disks, name, live) => {
      for (const disk of disks) await deleteOne(disk, name, live);
      await forgetConsistency(layout, disks, name);
    },

    rollback: async (disk, name, newer) => {
      // By id, which is looked for first: a name such as `2` would be taken for the id of another snapshot.
      await run(layout, disk, '-a', find(await readTable(layout, disk), disk, name).id);
      for (const each of [...newer].reverse()) await deleteOne(disk, each);
    },

    // They are inside the disk's own file.
    requireUnused: async () => undefined,

    readSnapshot: (disk, name, signal) =>
      withGuestFile(layout, disk, 'read', async (file) => {
        const { snapshots = [], 'virtual-size': length } = await readOpenInfo(file.alone(), file);
        const snapshot = find(snapshots, disk, name);
        return { bytes: await streamSnapshot(file, snapshot, signal), length };
      }),
  };
};
