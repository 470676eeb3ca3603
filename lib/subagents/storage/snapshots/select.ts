import { findDisk, type NamedDisk, uncertainDisk } from '../../../model/disks.js';
import { parseSnapshotId, snapshotId } from '../../../model/snapshot.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { notFound } from '../../shared/errors.js';
import type { DiskStore } from '../disk-store.js';
import { findAside, findNvram } from '../nvram.js';
import type { StoredDisk } from '../stored.js';

/** The disks and the snapshot that a request names. */
export interface Selection {
  /** The request's id, for messages. */
  id: string;
  guest: string;
  /** The disk that the id names, or all of the guest's. */
  disks: StoredDisk[];
  /** The guest's UEFI variables, unless the id names a disk. */
  nvram?: StoredDisk;
  /** As `nvram`, the variables that the guest does not use with its present firmware. */
  aside: StoredDisk[];
  /** The snapshot's name; `""` when the id has none. */
  name: string;
}

/** The disks, and the UEFI variables if they are selected. */
export const membersOf = ({ disks, nvram }: Selection): StoredDisk[] => (nvram ? [...disks, nvram] : disks);

/**
 * Returns the guest in a snapshot id.
 * @throws when the id is malformed
 */
export const guestOfSnapshot = (id: string): string => {
  const parts = parseSnapshotId(id);
  if (!parts)
    throw new Refusal('invalid', `snapshot id "${id}": not of the form guests/GUEST[/disk-DISK][@NAME]`);
  return parts.guest;
};

/** Numbers the disks of a guest whose disks have changed, and no longer trusts their device names. */
const nameDisks = (disks: StoredDisk[]): NamedDisk[] => {
  const isUnchanged = disks.every(
    ({ index, addedAt }, position) => index === position && addedAt === undefined,
  );
  return isUnchanged ? disks : disks.map(({ bus, index }) => ({ bus, device: '', number: index }));
};

/** @throws `…: not found`, or when the guest may give that name to another disk */
const pick = (guest: string, disks: StoredDisk[], wanted: string): StoredDisk => {
  const named = nameDisks(disks);
  const found = findDisk(guest, named, wanted);
  if (found === 'uncertain') throw new Refusal('conflict', uncertainDisk(guest, named, wanted));
  const disk = found === 'unknown' ? undefined : disks[found];
  if (!disk) throw notFound(`disk ${wanted} of guest ${guest}`);
  return disk;
};

/**
 * Resolves a snapshot id.
 * @throws `…: not found` when the guest or the disk does not exist, and when the disk's name is not certain
 */
export const select = async (store: DiskStore, id: string): Promise<Selection> => {
  const guest = guestOfSnapshot(id);
  const { disk: wanted, name = '' } = parseSnapshotId(id) ?? {};
  const all = await store.findDisks(guest);
  if (!all) throw notFound(`guest ${guest}`);
  if (wanted === undefined) {
    const nvram = await findNvram(store, guest);
    const aside = await findAside(store, guest);
    return { id, guest, disks: all, name, aside, ...(nvram ? { nvram } : {}) };
  }
  return { id, guest, disks: [pick(guest, all, wanted)], name, aside: [] };
};

/**
 * Resolves a snapshot id that must name a snapshot.
 * @throws as `select`, and when the name is missing
 */
export const selectNamed = async (store: DiskStore, id: string): Promise<Selection> => {
  const selection = await select(store, id);
  if (selection.name === '')
    throw new Refusal('invalid', `snapshot id "${id}": add @ and the snapshot's name`);
  return selection;
};

/** Formats the id of one disk's snapshot. */
export const diskSnapshotId = (guest: string, { index }: StoredDisk, name: string): string =>
  snapshotId(guest, String(index), name);
