import type { QmpClient } from '../../../qmp/client.js';
import { explainNoSpace } from '../errors.js';
import { guestAgentSocket, whileFrozen } from '../guest-agent/freeze.js';
import { withMonitor } from '../monitor.js';
import { intentOf } from './journal.js';
import type { SnapshotDeps } from './methods.js';
import type { Selection } from './select.js';
import { journaled } from './settle.js';

const take = async (deps: SnapshotDeps, selection: Selection, live: QmpClient | undefined): Promise<void> => {
  const { store, runDir, log, freezeTimeouts: timeouts } = deps;
  const { guest, disks, name } = selection;
  const socket = guestAgentSocket(runDir, guest);
  const snapshot = (): Promise<void> => store.createSnapshot(disks, name, live);
  const consistency = live
    ? await whileFrozen({ socket, log: log.child({ guest, snapshot: name }), timeouts }, snapshot)
    : await snapshot().then(() => 'filesystem' as const);
  if (consistency !== 'crash') await store.setConsistency(disks, name, consistency);
};

/**
 * Takes a snapshot of all selected disks or of none: of a running guest at one instant, frozen where its agent can;
 * of a stopped one, which has written everything out, whenever.
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
