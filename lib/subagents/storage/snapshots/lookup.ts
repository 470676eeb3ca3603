import type { DiskStore } from '../disk-store.js';
import type { StoredDisk, StoredSnapshot } from '../stored.js';
import type { SnapshotDeps } from './deps.js';

/** Returns those of `disks` that have a snapshot called `name`. */
export const disksWithSnapshot = async (
  store: DiskStore,
  disks: StoredDisk[],
  name: string,
): Promise<StoredDisk[]> => {
  const lists = await Promise.all(disks.map((disk) => store.snapshots(disk)));
  return disks.filter((_, index) => lists[index]?.some((snapshot) => snapshot.name === name));
};

/**
 * Lists a disk's snapshots, oldest first. Hides a snapshot whose interrupted creation or deletion still awaits
 * recovery: recovery will remove it.
 */
export const listSnapshots = async (
  { store, journal }: Pick<SnapshotDeps, 'store' | 'journal'>,
  guest: string,
  disk: StoredDisk,
): Promise<StoredSnapshot[]> => {
  const [all, intent] = await Promise.all([store.snapshots(disk), journal.find(guest)]);
  if (!intent || intent.action === 'rollback' || !intent.disks.includes(disk.index)) return all;
  return all.filter(({ name }) => name !== intent.name);
};

/** Returns the snapshots taken after `name`, oldest first; `undefined` when the disk has no snapshot `name`. */
export const newerThan = async (
  store: DiskStore,
  disk: StoredDisk,
  name: string,
): Promise<string[] | undefined> => {
  const names = (await store.snapshots(disk)).map((snapshot) => snapshot.name);
  const at = names.indexOf(name);
  return at === -1 ? undefined : names.slice(at + 1);
};

/** Returns the names of the snapshots that all disks have, oldest first. */
export const commonSnapshots = async (store: DiskStore, disks: StoredDisk[]): Promise<string[]> => {
  const lists = await Promise.all(disks.map((disk) => store.snapshots(disk)));
  const [first = [], ...others] = lists.map((list) => list.map(({ name }) => name));
  return first.filter((name) => others.every((names) => names.includes(name)));
};
