import type { QmpClient } from '../../../qmp/client.js';
import type { DiskStore, StoredDisk } from '../disk-store.js';
import { notFound } from '../errors.js';
import { imageFile, LONG_TIMEOUT_MS, qemuImg, readImageInfo } from '../qemu-img.js';
import { readConsistency, writeConsistency } from './consistency.js';
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

/** The snapshots in a file's snapshot table, which qcow2 keeps in the order they were taken. */
const readTable = async ({ source }: StoredDisk): Promise<{ id: string; name: string }[]> =>
  (await readImageInfo('qcow2', source)).snapshots ?? [];

/** The number that qcow2 itself gave a snapshot. */
const idOf = async (disk: StoredDisk, name: string): Promise<string> => {
  const entry = (await readTable(disk)).find((snapshot) => snapshot.name === name);
  if (!entry) throw notFound(`${disk.volume}@${name}`);
  return entry.id;
};

const run = async (disk: StoredDisk, flag: '-c' | '-d' | '-a', snapshot: string): Promise<void> => {
  await qemuImg(['snapshot', '-q', flag, snapshot, imageFile('qcow2', disk.source)], {
    timeoutMs: LONG_TIMEOUT_MS,
  });
};

/** Takes back what was done of a snapshot that failed; what is not there needs no removal. */
const undo = async (disks: StoredDisk[], name: string): Promise<void> => {
  for (const disk of disks) await run(disk, '-d', name).catch(() => undefined);
};

const createAll = async (disks: StoredDisk[], name: string): Promise<void> => {
  try {
    for (const disk of disks) await run(disk, '-c', name);
  } catch (error) {
    await undo(disks, name);
    throw error;
  }
};

/** qcow2's internal snapshots: through QEMU for a running guest, through qemu-img for a stopped one. */
export const qcow2Snapshots = (layout: Layout): Snapshots => {
  const deleteOne = (disk: StoredDisk, name: string, live?: QmpClient): Promise<void> =>
    live ? deleteLiveSnapshot(live, disk, name) : run(disk, '-d', name);

  return {
    snapshots: async (disk) => {
      const [table, consistencyOf] = await Promise.all([readTable(disk), readConsistency(disk)]);
      return table.map(({ name }) => ({ name, consistency: consistencyOf(name) }));
    },

    createSnapshot: async (disks, name, live) => {
      // Of an earlier one of that name.
      await writeConsistency(layout, disks, name);
      await (live ? createLiveSnapshot(live, disks, name) : createAll(disks, name));
    },

    setConsistency: (disks, name, consistency) => writeConsistency(layout, disks, name, consistency),

    deleteSnapshot: async (disks, name, live) => {
      for (const disk of disks) await deleteOne(disk, name, live);
      await writeConsistency(layout, disks, name);
    },

    rollback: async (disk, name, newer) => {
      // By id, which is looked for first: a name such as `2` would be taken for the id of another snapshot.
      await run(disk, '-a', await idOf(disk, name));
      for (const each of [...newer].reverse()) await deleteOne(disk, each);
    },

    // They are inside the disk's own file.
    requireUnused: async () => undefined,

    readSnapshot: async (disk, name, signal) =>
      streamSnapshot(disk.source, { id: await idOf(disk, name), name }, signal),
  };
};
