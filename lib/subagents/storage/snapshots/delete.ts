import { withMonitor } from '../running-guest.js';
import { deleteFrom } from './delete-from.js';
import type { SnapshotDeps } from './deps.js';
import { intentOf } from './journal.js';
import { removeMemory } from './memory.js';
import { requireNoObstacles } from './obstacles.js';
import { journaled } from './recover.js';
import { membersOf, type Selection } from './select.js';

/**
 * Checks every known obstacle on all selected disks, which must have the snapshot, without changing anything.
 * @returns the function that deletes the snapshot
 */
export const prepareDeletion = async (
  deps: SnapshotDeps,
  selection: Selection,
): Promise<() => Promise<void>> => {
  const { store, runDir } = deps;
  const { guest, disks, name } = selection;
  const members = [...membersOf(selection), ...selection.aside];
  const snapshots = disks.map((disk) => ({ disk, names: [name] }));
  await requireNoObstacles(deps, { selection, action: 'delete', uses: snapshots, destroys: snapshots });
  return () =>
    journaled(deps, guest, intentOf('delete', name, members), () =>
      withMonitor(runDir, guest, async (live) => {
        await deleteFrom(store, members, name, live);
        await removeMemory(store, guest, name);
      }),
    );
};
