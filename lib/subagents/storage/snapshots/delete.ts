import { withMonitor } from '../running-guest.js';
import type { SnapshotDeps } from './deps.js';
import { intentOf } from './journal.js';
import { requireNoObstacles } from './obstacles.js';
import { journaled } from './recover.js';
import type { Selection } from './select.js';

/** Deletes a snapshot of disks that all have it. Checks every known obstacle on all of them before changing the first. */
export const deleteSnapshot = async (deps: SnapshotDeps, selection: Selection): Promise<void> => {
  const { store, runDir } = deps;
  const { guest, disks, name } = selection;
  const snapshots = disks.map((disk) => ({ disk, names: [name] }));
  await requireNoObstacles(deps, { selection, action: 'delete', uses: snapshots, destroys: snapshots });
  await journaled(deps, guest, intentOf('delete', name, disks), () =>
    withMonitor(runDir, guest, (live) => store.deleteSnapshot(disks, name, live)),
  );
};
