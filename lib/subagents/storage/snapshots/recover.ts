import { guestKey } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import type { QmpClient } from '../../../qmp/client.js';
import { sharedGuestPaths } from '../../shared/guest-run-dir.js';
import { isNoSpace } from '../errors.js';
import { thawIfFrozen } from '../guest-agent/freeze.js';
import { findMembers } from '../nvram.js';
import { withMonitor } from '../running-guest.js';
import { deleteFrom } from './delete-from.js';
import type { SnapshotDeps } from './deps.js';
import type { Intent } from './journal.js';
import { disksWithSnapshot } from './lookup.js';
import { recoverRollback } from './recover-rollback.js';
import { isTorn } from './torn.js';

/** Removes a half-made or half-deleted snapshot. */
const removeRest = async (
  { store, log, runDir }: SnapshotDeps,
  guest: string,
  { action, name, disks: numbers }: Intent,
  live: QmpClient | undefined,
): Promise<void> => {
  const disks = (await findMembers(store, guest)).filter(({ index }) => numbers.includes(index));
  if (live && action === 'create')
    await thawIfFrozen({
      socket: sharedGuestPaths(runDir, guest).guestAgent,
      log: log.child({ guest, snapshot: name }),
    });
  if (!live) for (const disk of disks) await store.repair(disk);
  await deleteFrom(store, await disksWithSnapshot(store, disks, name), name, live);
};

const finish = async (deps: SnapshotDeps, guest: string, intent: Intent): Promise<void> => {
  if (intent.action === 'rollback') return recoverRollback(deps, guest, intent);
  await withMonitor(deps.runDir, guest, (live) => removeRest(deps, guest, intent, live));
  await deps.journal.clear(guest);
};

/**
 * Recovers from an operation that a killed process left half done: undoes a snapshot that not all disks have,
 * completes a deletion or a rollback. Await it before reading a guest's snapshots for a decision, because it changes
 * them. The caller holds the guest's lock.
 * @throws when recovery fails now; the next call tries again, except after a rollback: see `recoverRollback`
 */
export const recoverGuest = async (deps: SnapshotDeps, guest: string): Promise<void> => {
  const { journal, log } = deps;
  const intent = await journal.find(guest);
  if (!intent || isTorn(intent)) return;
  try {
    await finish(deps, guest, intent);
  } catch (error) {
    throw new Error(
      `guest ${guest}: the interrupted ${intent.action} of snapshot ${intent.name} cannot be recovered: ${errorMessage(error)}`,
      { cause: error },
    );
  }
  log.info({ guest, ...intent }, 'interrupted snapshot operation recovered');
};

/** Recovers what it can; the rest is tried again before the next change to that guest's snapshots. */
const tryRecovery = async (deps: SnapshotDeps, guest: string): Promise<void> => {
  try {
    await recoverGuest(deps, guest);
  } catch (error) {
    deps.log.error({ guest }, errorMessage(error));
  }
};

/** Recovers all guests after a start. A guest that cannot be recovered is logged and does not stop the others. */
export const recoverAll = async (deps: SnapshotDeps): Promise<void> => {
  for (const guest of await deps.journal.guests())
    await deps.locks.run(guestKey(guest), () => tryRecovery(deps, guest));
};

/** Writes the intent. On a full device a deletion proceeds without one, since deleting is how to make room. */
const writeIntent = async ({ journal }: SnapshotDeps, guest: string, intent: Intent): Promise<void> => {
  try {
    await journal.write(guest, intent);
  } catch (error) {
    if (intent.action !== 'delete' || !isNoSpace(error)) throw error;
  }
};

/**
 * Runs `work`, which creates or deletes a snapshot of one disk after another, under a journal entry that lets the next
 * process recover it. Undoes a failed creation at once; the caller may repeat a failed deletion.
 */
export const journaled = async (
  deps: SnapshotDeps,
  guest: string,
  intent: Intent,
  work: () => Promise<void>,
): Promise<void> => {
  await writeIntent(deps, guest, intent);
  try {
    await work();
  } catch (error) {
    if (intent.action === 'create') await tryRecovery(deps, guest);
    else await deps.journal.clear(guest);
    throw error;
  }
  await deps.journal.clear(guest);
};
