import type { Consistency } from '../../../model/snapshot.js';
import type { QmpClient } from '../../../qmp/client.js';
import { hasHalted, sharedGuestPaths } from '../../shared/guest-run-dir.js';
import { explainNoSpace } from '../errors.js';
import { whileFrozen } from '../guest-agent/freeze.js';
import { hasAgent } from '../guest-agent/port.js';
import { withMonitor } from '../running-guest.js';
import { intentOf } from './journal.js';
import type { SnapshotDeps } from './methods.js';
import type { Selection } from './select.js';
import { journaled } from './settle.js';

/** What a guest that runs has written out is in its snapshot where its agent can see to it. */
const takeRunning = async (
  { store, runDir, log, freezeTimeouts: timeouts }: SnapshotDeps,
  { guest, disks, name }: Selection,
  live: QmpClient,
): Promise<Consistency> => {
  const snapshot = (): Promise<void> => store.createSnapshot(disks, name, live);
  if (await hasAgent(live)) {
    const { guestAgent: socket } = sharedGuestPaths(runDir, guest);
    return whileFrozen({ socket, log: log.child({ guest, snapshot: name }), timeouts }, snapshot);
  }
  await snapshot();
  return 'crash';
};

/** What a guest that is off has written out is on its disks, unless its power was cut. */
const takeStopped = async (
  { store, runDir }: SnapshotDeps,
  { guest, disks, name }: Selection,
): Promise<Consistency> => {
  await store.createSnapshot(disks, name, undefined);
  return (await hasHalted(sharedGuestPaths(runDir, guest))) ? 'filesystem' : 'crash';
};

const take = async (deps: SnapshotDeps, selection: Selection, live: QmpClient | undefined): Promise<void> => {
  const consistency = live ? await takeRunning(deps, selection, live) : await takeStopped(deps, selection);
  if (consistency !== 'crash') await deps.store.setConsistency(selection.disks, selection.name, consistency);
};

/**
 * Takes a snapshot of all selected disks or of none: of a running guest at one instant, frozen where its agent can.
 */
export const createSnapshot = async (deps: SnapshotDeps, selection: Selection): Promise<void> => {
  const { store, runDir } = deps;
  const { guest, disks, name } = selection;
  await explainNoSpace(`snapshot ${name}`, store.workDir, () =>
    journaled(deps, guest, intentOf('create', name, disks), () =>
      withMonitor(runDir, guest, (live) => take(deps, selection, live)),
    ),
  );
};
