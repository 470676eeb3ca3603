import type { QmpClient } from '../../../qmp/client.js';
import type { DiskStore } from '../disk-store.js';
import { isNoSpace } from '../errors.js';
import { mapDisk } from '../nbd/map.js';
import { type NbdSource, streamDisk } from '../nbd/stream.js';
import { onEachDisk } from '../on-each-disk.js';
import { openDisks } from '../open-disks.js';
import { qemuImg, readOpenInfo } from '../qemu-img.js';
import type { StoredDisk } from '../stored.js';
import { type GuestFile, withGuestFile } from './guest-file.js';
import type { Qcow2Layout } from './layout.js';
import { createLiveSnapshot, deleteLiveSnapshot, isForgottenLive } from './live.js';
import { readOwnBytes } from './own-bytes.js';
import { rollbackDisks } from './rollback.js';
import { readNotes, removeNotes, writeConsistency, writeDescription } from './snapshot-notes.js';
import { dropUndo, findEntry, HIDDEN, readTable, runOnDisk, type TableEntry } from './table.js';

type Snapshots = Pick<
  DiskStore,
  | 'snapshots'
  | 'snapshotBytes'
  | 'createSnapshot'
  | 'setConsistency'
  | 'setDescription'
  | 'deleteSnapshot'
  | 'expireSnapshot'
  | 'mayForget'
  | 'hasForgotten'
  | 'rollback'
  | 'openedBy'
  | 'heldBy'
  | 'readSnapshot'
  | 'mapsByReading'
  | 'mapSnapshot'
>;

/** Removes the snapshots that a failed `createAll` has taken. A disk without one is fine. */
const undo = async (layout: Qcow2Layout, disks: StoredDisk[], name: string): Promise<void> => {
  for (const disk of disks) await runOnDisk(layout, disk, '-d', name).catch(() => undefined);
};

const createAll = async (layout: Qcow2Layout, disks: StoredDisk[], name: string): Promise<void> => {
  // An earlier operation may have left some, because the device was full.
  await dropUndo(layout, disks);
  try {
    for (const disk of disks) await runOnDisk(layout, disk, '-c', name);
  } catch (error) {
    await undo(layout, disks, name);
    throw error;
  }
};

/** Opens the disk as a change would: a resize to the present size changes nothing, but needs QEMU's locks. */
const probe = async (layout: Qcow2Layout, disk: StoredDisk): Promise<void> => {
  await withGuestFile(layout, disk, 'write', async ({ standalone, gid, files }) => {
    const { 'virtual-size': bytes } = await readOpenInfo(standalone(), { gid, files });
    await qemuImg(['resize', '-q', standalone(), String(bytes)], { gid, files });
  });
};

/** A snapshot as qemu-nbd serves it. A QEMU that writes to the disk never touches the clusters of a snapshot. */
const nbdSource = ({ onImage, files, gid }: GuestFile, { id, name }: TableEntry): NbdSource => ({
  serve: [`--load-snapshot=snapshot.id=${id},snapshot.name=${name}`, onImage()],
  ...{ files, gid },
});

/** Removes a snapshot's notes. A full device keeps them until `createSnapshot` reuses the name. */
const forgetNotes = async (layout: Qcow2Layout, disks: StoredDisk[], name: string): Promise<void> => {
  try {
    await removeNotes(layout, disks, name);
  } catch (error) {
    if (!isNoSpace(error)) throw error;
  }
};

/**
 * Stores snapshots inside the qcow2 files: through QMP for a running guest, through qemu-img for a stopped one.
 * @param prune removes images that only a deleted snapshot was still good for
 */
export const qcow2Snapshots = (
  layout: Qcow2Layout,
  prune: () => Promise<void> = async () => {},
): Snapshots => {
  const deleteOne = async (disk: StoredDisk, name: string, live?: QmpClient): Promise<void> => {
    if (live) await deleteLiveSnapshot(live, disk, name);
    else await runOnDisk(layout, disk, '-d', name);
  };

  const deleteSnapshot: Snapshots['deleteSnapshot'] = async (disks, name, live) => {
    if (!live) await dropUndo(layout, disks);
    await onEachDisk(disks, `snapshot ${name} is deleted`, (disk) => deleteOne(disk, name, live));
    await forgetNotes(layout, disks, name);
    await prune();
  };

  return {
    snapshots: async (disk) => {
      const [table, { consistencyOf, descriptionOf }] = await Promise.all([
        readTable(layout, disk),
        readNotes(disk),
      ]);
      return table
        .filter(({ name }) => !HIDDEN.has(name))
        .map(({ name, 'date-sec': createdAt }) => ({
          ...{ name, createdAt, consistency: consistencyOf(name), description: descriptionOf(name) },
        }));
    },

    snapshotBytes: (disk, names) => readOwnBytes(disk.source, names),

    createSnapshot: async (disks, name, live) => {
      // An earlier snapshot of that name may have left some.
      await removeNotes(layout, disks, name);
      await (live ? createLiveSnapshot(live, disks, name) : createAll(layout, disks, name));
    },

    setConsistency: (disks, name, consistency) => writeConsistency(layout, disks, name, consistency),

    setDescription: (disks, name, description) => writeDescription(layout, disks, name, description),

    deleteSnapshot,

    // Clones build on images, never on a snapshot.
    expireSnapshot: deleteSnapshot,

    mayForget: async (disks) => {
      const tables = await Promise.all(disks.map((disk) => readTable(layout, disk)));
      // An empty list takes no room in the file.
      return tables.some((table) => table.length > 1);
    },

    hasForgotten: async (disks, name, live) => {
      for (const disk of disks) {
        const table = await readTable(layout, disk);
        const isListed = table.some((snapshot) => snapshot.name === name);
        if (isListed && (await isForgottenLive(live, disk, name))) return true;
      }
      return false;
    },

    rollback: (steps, name) => rollbackDisks(layout, steps, name),

    openedBy: (disks) => openDisks(disks, (disk) => probe(layout, disk)),

    // Nothing can be cloned from an internal snapshot, or hold one.
    heldBy: async () => [],

    mapsByReading: false,

    mapSnapshot: (disk, name, signal) =>
      withGuestFile(layout, disk, 'read', async (file) => {
        const { snapshots = [], 'virtual-size': size } = await readOpenInfo(file.standalone(), file);
        return mapDisk(nbdSource(file, findEntry(snapshots, disk, name)), size, signal);
      }),

    readSnapshot: (disk, name, signal) =>
      withGuestFile(layout, disk, 'read', async (file) => {
        const { snapshots = [], 'virtual-size': length } = await readOpenInfo(file.standalone(), file);
        const source = nbdSource(file, findEntry(snapshots, disk, name));
        return { bytes: await streamDisk(source, signal), length };
      }),
  };
};
