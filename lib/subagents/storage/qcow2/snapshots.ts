import type { QmpClient } from '../../../qmp/client.js';
import { notFound } from '../../shared/errors.js';
import type { DiskStore, StoredDisk } from '../disk-store.js';
import { isNoSpace } from '../errors.js';
import { LONG_TIMEOUT_MS, qemuImg, readOpenInfo } from '../qemu-img.js';
import { readConsistency, writeConsistency } from './consistency.js';
import { withGuestFile } from './guest-file.js';
import type { Qcow2Layout } from './layout.js';
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

/** An entry of a file's snapshot table. qcow2 itself assigns the id, a number. */
interface TableEntry {
  id: string;
  name: string;
}

/** Reads a file's snapshot table, which qcow2 keeps in the order of creation. */
const readTable = (layout: Qcow2Layout, disk: StoredDisk): Promise<TableEntry[]> =>
  withGuestFile(
    layout,
    disk,
    'read',
    async (file) => (await readOpenInfo(file.standalone(), file)).snapshots ?? [],
  );

const find = (table: readonly TableEntry[], disk: StoredDisk, name: string): TableEntry => {
  const entry = table.find((snapshot) => snapshot.name === name);
  if (!entry) throw notFound(`${disk.volume}@${name}`);
  return entry;
};

const runOnDisk = (
  layout: Qcow2Layout,
  disk: StoredDisk,
  flag: '-c' | '-d' | '-a',
  snapshot: string,
): Promise<string> =>
  withGuestFile(layout, disk, 'write', (file) =>
    qemuImg(['snapshot', '-q', flag, snapshot, file.standalone()], {
      timeoutMs: LONG_TIMEOUT_MS,
      gid: file.gid,
      files: file.files,
    }),
  );

/** Removes the snapshots that a failed `createAll` has taken. A disk without one is fine. */
const undo = async (layout: Qcow2Layout, disks: StoredDisk[], name: string): Promise<void> => {
  for (const disk of disks) await runOnDisk(layout, disk, '-d', name).catch(() => undefined);
};

const createAll = async (layout: Qcow2Layout, disks: StoredDisk[], name: string): Promise<void> => {
  try {
    for (const disk of disks) await runOnDisk(layout, disk, '-c', name);
  } catch (error) {
    await undo(layout, disks, name);
    throw error;
  }
};

/** Removes a snapshot's consistency. A full device keeps it until `createSnapshot` reuses the name. */
const forgetConsistency = async (layout: Qcow2Layout, disks: StoredDisk[], name: string): Promise<void> => {
  try {
    await writeConsistency(layout, disks, name);
  } catch (error) {
    if (!isNoSpace(error)) throw error;
  }
};

/** Stores snapshots inside the qcow2 files: through QMP for a running guest, through qemu-img for a stopped one. */
export const qcow2Snapshots = (layout: Qcow2Layout): Snapshots => {
  const deleteOne = async (disk: StoredDisk, name: string, live?: QmpClient): Promise<void> => {
    if (live) await deleteLiveSnapshot(live, disk, name);
    else await runOnDisk(layout, disk, '-d', name);
  };

  return {
    snapshots: async (disk) => {
      const [table, consistencyOf] = await Promise.all([readTable(layout, disk), readConsistency(disk)]);
      return table.map(({ name }) => ({ name, consistency: consistencyOf(name) }));
    },

    createSnapshot: async (disks, name, live) => {
      // An earlier snapshot of that name may have left its consistency.
      await writeConsistency(layout, disks, name);
      await (live ? createLiveSnapshot(live, disks, name) : createAll(layout, disks, name));
    },

    setConsistency: (disks, name, consistency) => writeConsistency(layout, disks, name, consistency),

    deleteSnapshot: async (disks, name, live) => {
      for (const disk of disks) await deleteOne(disk, name, live);
      await forgetConsistency(layout, disks, name);
    },

    rollback: async (disk, name, newer) => {
      // By id, because qemu-img takes a name such as `2` for the id of another snapshot.
      await runOnDisk(layout, disk, '-a', find(await readTable(layout, disk), disk, name).id);
      for (const each of [...newer].reverse()) await deleteOne(disk, each);
    },

    // Nothing can be cloned from an internal snapshot.
    requireUnused: async () => undefined,

    readSnapshot: (disk, name, signal) =>
      withGuestFile(layout, disk, 'read', async (file) => {
        const { snapshots = [], 'virtual-size': length } = await readOpenInfo(file.standalone(), file);
        const snapshot = find(snapshots, disk, name);
        return { bytes: await streamSnapshot(file, snapshot, signal), length };
      }),
  };
};
