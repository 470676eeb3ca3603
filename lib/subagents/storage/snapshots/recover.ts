import { guestKey } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import type { QmpClient } from '../../../qmp/client.js';
import { thawIfFrozen } from '../../shared/guest-agent/freeze.js';
import { sharedGuestPaths } from '../../shared/guest-run-dir.js';
import { isNoSpace, PartlyDoneError } from '../errors.js';
import { findMembers } from '../nvram.js';
import { isRunning, withMonitor } from '../running-guest.js';
import type { StoredDisk } from '../stored.js';
import { deleteFrom } from './delete-from.js';
import type { SnapshotDeps } from './deps.js';
import type { Intent } from './journal.js';
import { disksWithSnapshot } from './lookup.js';
import { removeDraft, removeMemory } from './memory.js';
import { recoverRollback } from './recover-rollback.js';
import { isTorn } from './torn.js';

/** Returns those disks of an operation that still exist. */
const membersOf = async ({ store }: SnapshotDeps, guest: string, { disks }: Intent): Promise<StoredDisk[]> =>
  (await findMembers(store, guest)).filter(({ index }) => disks.includes(index));

/** Removes a half-made or half-deleted snapshot. */
const removeRest = async (
  deps: SnapshotDeps,
  guest: string,
  intent: Intent,
  live: QmpClient | undefined,
): Promise<void> => {
  const { store, log, runDir } = deps;
  const { action, name, withMemory } = intent;
  const disks = await membersOf(deps, guest, intent);
  if (live && action === 'create')
    await thawIfFrozen({
      socket: sharedGuestPaths(runDir, guest).guestAgent,
      log: log.child({ guest, snapshot: name }),
    });
  if (!live) for (const disk of disks) await store.repair(disk);
  await deleteFrom(store, await disksWithSnapshot(store, disks, name), name, live);
  await removeMemory(store, guest, name);
  if (withMemory) await removeDraft(store, guest);
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

/** Recovers a guest in the background, until that succeeds. */
const recoverLater = (deps: SnapshotDeps, guest: string): void =>
  deps.retries.start(guest, () => deps.locks.run(guestKey(guest), () => recoverGuest(deps, guest)));

/** Recovers what it can; the rest is retried in the background, and before the next change to that guest's snapshots. */
const tryRecovery = async (deps: SnapshotDeps, guest: string): Promise<void> => {
  try {
    await recoverGuest(deps, guest);
  } catch (error) {
    deps.log.error({ guest }, `${errorMessage(error)}; retrying`);
    recoverLater(deps, guest);
  }
};

/** Recovers all guests after a start. A guest that cannot be recovered is logged and does not stop the others. */
export const recoverAll = async (deps: SnapshotDeps): Promise<void> => {
  for (const guest of await deps.journal.guests())
    await deps.locks.run(guestKey(guest), () => tryRecovery(deps, guest));
};

/**
 * Whether the guest runs, and its QEMU could half delete the snapshot without room on the device: only the journal would
 * then know that it has to be deleted.
 */
const needsIntent = async (deps: SnapshotDeps, guest: string, intent: Intent): Promise<boolean> =>
  (await isRunning(deps.runDir, guest)) && deps.store.mayForget(await membersOf(deps, guest, intent));

/** Writes the intent. On a full device a deletion proceeds without one if it can, since deleting is how to make room. */
const writeIntent = async (deps: SnapshotDeps, guest: string, intent: Intent): Promise<void> => {
  try {
    await deps.journal.write(guest, intent);
  } catch (error) {
    const isOptional = intent.action === 'delete' && isNoSpace(error);
    if (!isOptional || (await needsIntent(deps, guest, intent))) throw error;
  }
};

/** Whether a running QEMU has half deleted the snapshot. One that does not respond may have. */
const isHalfDeleted = (deps: SnapshotDeps, guest: string, intent: Intent): Promise<boolean> =>
  withMonitor(
    deps.runDir,
    guest,
    async (live) =>
      live !== undefined && deps.store.hasForgotten(await membersOf(deps, guest, intent), intent.name, live),
  ).catch(() => true);

/** Ends a deletion that has failed: completes it later if QEMU has begun it; otherwise the caller may repeat it. */
const endFailedDeletion = async (
  deps: SnapshotDeps,
  guest: string,
  intent: Intent,
  error: unknown,
): Promise<unknown> => {
  const { journal } = deps;
  const isRecorded = (await journal.find(guest)) !== undefined;
  if (!isRecorded || !(await isHalfDeleted(deps, guest, intent))) {
    await journal.clear(guest);
    return error;
  }
  recoverLater(deps, guest);
  // Without advice to repeat the deletion.
  const reason = error instanceof PartlyDoneError ? error.cause : error;
  return new PartlyDoneError(
    `snapshot ${intent.name} is half deleted, and is deleted completely once that is possible: ${errorMessage(reason)}`,
    { cause: error },
  );
};

/** As `journaled`, for a work that is not complete yet: its entry stays, and lets any recovery undo it. */
export const begun = async (
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
    else throw await endFailedDeletion(deps, guest, intent, error);
    throw error;
  }
};

/**
 * Runs `work`, which creates or deletes a snapshot of one disk after another, under a journal entry that lets the next
 * process recover it. Undoes a failed creation at once, and completes a deletion that a running QEMU has begun; the caller
 * may repeat any other.
 */
export const journaled = async (...input: Parameters<typeof begun>): Promise<void> => {
  await begun(...input);
  const [{ journal }, guest] = input;
  await journal.clear(guest);
};
