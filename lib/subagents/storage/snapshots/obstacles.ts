import { setTimeout as sleep } from 'node:timers/promises';
import { describeSnapshot } from '../../../model/snapshot.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { isRunning } from '../running-guest.js';
import type { SnapshotAction, StoredDisk } from '../stored.js';
import type { SnapshotDeps } from './deps.js';
import { diskSnapshotId, type Selection } from './select.js';

/** Snapshots of one disk. */
interface DiskSnapshots {
  disk: StoredDisk;
  names: string[];
}

/** The effects of an operation on the selected disks. */
interface Plan {
  selection: Selection;
  action: SnapshotAction;
  /** The snapshots of each disk that it reads or destroys. */
  uses?: DiskSnapshots[];
  /** The snapshots of each disk that it destroys. */
  destroys?: DiskSnapshots[];
}

/** How often, and at which interval, to look at open disks again. */
const LOOKS = 3;
const PAUSE_MS = 300;

/** Lists the disks that stay open: a QEMU that is exiting, or a program that only looks at a disk, soon closes it. */
const stayOpen = async (
  { store, runDir }: SnapshotDeps,
  { guest, disks }: Selection,
  action: SnapshotAction,
): Promise<string[]> => {
  // A running guest's own QEMU has the disks open, and changes them.
  if (await isRunning(runDir, guest)) return [];
  for (let look = 1; ; look += 1) {
    const found = await store.openedBy(disks, action);
    if (found.length === 0 || look === LOOKS) return found;
    await sleep(PAUSE_MS);
  }
};

/**
 * Checks on all selected disks, before any of them changes, that nothing is in the way.
 * @throws {Refusal} naming each disk or snapshot and what holds it, in one line
 */
export const requireNoObstacles = async (
  deps: SnapshotDeps,
  { selection, action, uses = [], destroys = [] }: Plan,
): Promise<void> => {
  const { store, inUse } = deps;
  const { guest } = selection;
  const read = uses.flatMap(({ disk, names }) => names.map((name) => diskSnapshotId(guest, disk, name)));
  const held = await Promise.all(destroys.map(({ disk, names }) => store.heldBy([disk], names)));
  const found = [
    ...inUse
      .among(read)
      .map(
        (each) =>
          `${describeSnapshot(each)} is being read, for a download, an export, a clone or an image: try again after that`,
      ),
    ...(await stayOpen(deps, selection, action)),
    ...held.flat(),
  ];
  if (found.length > 0) throw new Refusal('conflict', found.join('; '));
};
