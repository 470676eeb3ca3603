import type { Consistency } from '../../../model/snapshot.js';
import type { QmpClient } from '../../../qmp/client.js';
import { whileFrozen } from '../../shared/guest-agent/freeze.js';
import { hasAgent } from '../../shared/guest-agent/port.js';
import { hasHalted, sharedGuestPaths } from '../../shared/guest-run-dir.js';
import { explainNoSpace } from '../errors.js';
import { isOpenIn } from '../nvram.js';
import { withMonitor } from '../running-guest.js';
import { deleteFrom } from './delete-from.js';
import type { SnapshotDeps } from './deps.js';
import { intentOf } from './journal.js';
import { disksWithSnapshot } from './lookup.js';
import { removeMemory } from './memory.js';
import { requireNoObstacles } from './obstacles.js';
import { journaled } from './recover.js';
import { membersOf, type Selection } from './select.js';

/**
 * Leaves out the UEFI variables of a running guest that has BIOS by now, and deletes earlier snapshots of the same name
 * from all variables: they stay when a snapshot is deleted disk by disk. A rollback would bring them back otherwise.
 */
export const withUsableNvram = async (
  { store }: SnapshotDeps,
  { nvram, ...selection }: Selection,
  live: QmpClient | undefined,
): Promise<Selection> => {
  const { name, aside } = selection;
  const earlier = await disksWithSnapshot(store, [...(nvram ? [nvram] : []), ...aside], name);
  await deleteFrom(store, earlier, name, live);
  return !nvram || (live && !(await isOpenIn(live, nvram))) ? selection : { ...selection, nvram };
};

/** Freezes the guest's file systems around the snapshot if a guest agent is connected. */
const takeRunning = async (
  { store, runDir, log, freezeTimeouts: timeouts }: SnapshotDeps,
  selection: Selection,
  live: QmpClient,
): Promise<Consistency> => {
  const { guest, name } = selection;
  const snapshot = (): Promise<void> => store.createSnapshot(membersOf(selection), name, live);
  if (await hasAgent(live)) {
    const { guestAgent: socket } = sharedGuestPaths(runDir, guest);
    return whileFrozen({ socket, log: log.child({ guest, snapshot: name }), timeouts }, snapshot);
  }
  await snapshot();
  return 'crash';
};

/** A guest that shut itself down flushed its file systems; a guest that was powered off or crashed may not have. */
const takeStopped = async ({ store, runDir }: SnapshotDeps, selection: Selection): Promise<Consistency> => {
  const { guest, name } = selection;
  await store.createSnapshot(membersOf(selection), name, undefined);
  return (await hasHalted(sharedGuestPaths(runDir, guest))) ? 'filesystem' : 'crash';
};

const take = async (
  deps: SnapshotDeps,
  selection: Selection,
  description: string,
  live: QmpClient | undefined,
): Promise<void> => {
  const { disks, name } = selection;
  const consistency = live ? await takeRunning(deps, selection, live) : await takeStopped(deps, selection);
  if (consistency !== 'crash') await deps.store.setConsistency(disks, name, consistency);
  if (description !== '') await deps.store.setDescription(disks, name, description);
};

/**
 * Checks every known obstacle on all selected disks, without changing anything.
 * @returns the function that takes a snapshot of all disks or of none. A running guest's disks are captured at one
 * instant, with its file systems frozen if its guest agent can do that
 */
export const prepareSnapshot = async (
  deps: SnapshotDeps,
  selection: Selection,
  description = '',
): Promise<() => Promise<void>> => {
  const { store, runDir } = deps;
  const { guest, name } = selection;
  await requireNoObstacles(deps, { selection, action: 'create' });
  return () =>
    explainNoSpace(`snapshot ${name}`, store, () =>
      journaled(deps, guest, intentOf('create', name, membersOf(selection)), () =>
        withMonitor(runDir, guest, async (live) => {
          // That of an earlier snapshot of the name, whose deletion was interrupted on a full device.
          await removeMemory(store, guest, name);
          await take(deps, await withUsableNvram(deps, selection, live), description, live);
        }),
      ),
    );
};
