import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { SnapshotAction, StoredDisk } from '../disk-store.js';
import { isRunning } from '../running-guest.js';
import type { SnapshotDeps } from './deps.js';
import { diskSnapshotId, type Selection } from './select.js';

/** Snapshots of one disk. */
interface DiskSnapshots {
  disk: StoredDisk;
  names: string[];
}

/** What an operation is about to do to the selected disks. */
export interface Plan {
  selection: Selection;
  action: SnapshotAction;
  /** The snapshots of each disk that it reads or destroys. */
  uses?: DiskSnapshots[];
  /** The snapshots of each disk that it destroys. */
  destroys?: DiskSnapshots[];
}

/**
 * Checks on all selected disks, before any of them changes, that nothing is in the way.
 * @throws {Refusal} naming each disk or snapshot and what holds it, in one line
 */
export const requireNoObstacles = async (
  { store, inUse, runDir }: SnapshotDeps,
  { selection: { guest, disks }, action, uses = [], destroys = [] }: Plan,
): Promise<void> => {
  const read = uses.flatMap(({ disk, names }) => names.map((name) => diskSnapshotId(guest, disk, name)));
  const held = await Promise.all(destroys.map(({ disk, names }) => store.heldBy([disk], names)));
  const found = [
    ...inUse.among(read).map((each) => `${each} is being downloaded: try again after the download`),
    // A running guest's own QEMU has the disks open, and changes them.
    ...((await isRunning(runDir, guest)) ? [] : await store.openedBy(disks, action)),
    ...held.flat(),
  ];
  if (found.length > 0) throw new Refusal('conflict', found.join('; '));
};
