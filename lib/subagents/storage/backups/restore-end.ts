import { guestKey } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import { diskNumber } from '../../../model/disks.js';
import type { Guest } from '../../../model/guest.js';
import type { CloseRequest } from '../../../rpc/protocol/backup-disk-messages.js';
import type { GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import { renewGeneration } from '../../shared/generation.js';
import { clearHalted, sharedGuestPaths } from '../../shared/guest-run-dir.js';
import { readRollbackMark, removeRollbackMark, writeRollbackMark } from '../../shared/rollback-mark.js';
import { recordSizes } from '../snapshots/sizes.js';
import type { StoredDisk } from '../stored.js';
import type { BackupDeps } from './deps.js';
import { backupPaths, removeBackupDirs } from './paths.js';
import { placeSmallFiles } from './restore-files.js';
import { type BackupState, type OpenedRestore, readBackupState, writeBackupState } from './state.js';

const RESTORED = 'the guest was restored from a backup since the last backup';
const UNDONE = 'a restore of the guest was undone since the last backup';

/** What is remembered after a restore. */
const stateAfter = ({ base }: BackupState, { isComplete, job }: OpenedRestore): BackupState => ({
  ...(base ? { base, lost: isComplete ? RESTORED : UNDONE } : {}),
  ...(isComplete && job ? { restored: job } : {}),
});

/** Makes what was restored the state of the guest. */
const complete = async (
  deps: BackupDeps,
  guest: string,
  restore: OpenedRestore,
  disks: readonly StoredDisk[],
): Promise<string[]> => {
  const { store, runDir } = deps;
  const guestDir = store.guestDir(guest);
  await renewGeneration(guestDir);
  await clearHalted(sharedGuestPaths(runDir, guest));
  await placeSmallFiles(guestDir, backupPaths(deps, guest).files, restore.files);
  for (const disk of disks) await store.dropKept(disk);
  return recordSizes(store, disks);
};

/** Gives the disks the content back that they had before. */
const undo = async ({ store }: BackupDeps, disks: readonly StoredDisk[]): Promise<string[]> => {
  for (const disk of disks) await store.returnToKept(disk);
  return [];
};

/**
 * Ends the restore for which a guest's disks are open. May be repeated after an interruption at any step: a restore is
 * completed once its completion has begun, and undone otherwise.
 * @param isComplete whether everything is restored
 * @returns what is worth knowing
 */
export const endRestore = async (deps: BackupDeps, guest: string, isComplete: boolean): Promise<string[]> => {
  const { store, servers } = deps;
  const state = await readBackupState(store, guest);
  if (!state.restore) return [];
  await servers.end(guest);
  const restore = { ...state.restore, isComplete: isComplete || state.restore.isComplete === true };
  if (restore.isComplete) await writeBackupState(store, guest, { ...state, restore });
  const disks = ((await store.findDisks(guest)) ?? []).filter(({ index }) => restore.disks.includes(index));
  const end = (): Promise<string[]> =>
    restore.isComplete ? complete(deps, guest, restore, disks) : undo(deps, disks);
  // Without the mark it had not begun, or had ended, and the guest may have started since.
  const isMarked = (await readRollbackMark(store.guestDir(guest))) !== undefined;
  const notes = isMarked ? await end() : [];
  await removeRollbackMark(store.guestDir(guest));
  await writeBackupState(store, guest, stateAfter(state, restore));
  await removeBackupDirs(backupPaths(deps, guest));
  return notes;
};

/** Ends a restore in the background, until that succeeds or another one is open. The guest does not start before. */
const endLater = (deps: BackupDeps, guest: string, { job, backup }: OpenedRestore): void => {
  const end = async (): Promise<void> => {
    const { restore } = await readBackupState(deps.store, guest);
    if (restore?.job === job && restore?.backup === backup) await endRestore(deps, guest, false);
  };
  deps.retries.start(guest, () => deps.locks.run(guestKey(guest), end));
};

/** Undoes a restore that has failed or was interrupted, now or as soon as that is possible. */
export const abandonRestore = async (deps: BackupDeps, guest: string): Promise<void> => {
  const { store, log } = deps;
  try {
    await endRestore(deps, guest, false);
  } catch (error) {
    const { restore } = await readBackupState(store, guest);
    if (!restore) throw error;
    const what = `its restore from backup ${restore.backup} did not succeed, and its disks cannot be given back what they had, which is retried`;
    log.error({ guest }, `${what}: ${errorMessage(error)}`);
    await writeRollbackMark(store.guestDir(guest), `${what}: ${errorMessage(error)}`);
    endLater(deps, guest, restore);
  }
};

/** Keeps what was restored. Once that has begun, it is retried until it succeeds. */
const keep = async (deps: BackupDeps, guest: string, restore: OpenedRestore): Promise<string[]> => {
  try {
    return await endRestore(deps, guest, true);
  } catch (error) {
    endLater(deps, guest, restore);
    throw error;
  }
};

/** Describes the guest with the sizes that its disks have now. */
const withSizes = async ({ store }: BackupDeps, { id, disks }: Guest): Promise<GuestResponse['guest']> => {
  if (!disks) return { id };
  const stored = (await store.findDisks(id)) ?? [];
  const sizeOf = (number: number): number | undefined => stored.find(({ index }) => index === number)?.size;
  return {
    id,
    disks: disks.map((disk, index) => ({ ...disk, size: sizeOf(diskNumber(disk, index)) ?? disk.size })),
  };
};

/**
 * `ImageStore.CloseRestore`: keeps what was restored, or gives the disks back what they had.
 * @throws when everything was restored, and a restart of this program has undone it meanwhile
 */
export const closeRestore = async (
  deps: BackupDeps,
  { guest, backup, outcome }: CloseRequest,
  { job }: Pick<CallContext, 'job'>,
): Promise<GuestResponse> => {
  const { store } = deps;
  const { id } = guest;
  if (!(await store.findDisks(id))) return { guest: { id } };
  const { restore, restored } = await readBackupState(store, id);
  const isOpen = restore?.job === job?.job && restore?.backup === backup;
  if (outcome === 'failed') {
    if (isOpen) await abandonRestore(deps, id);
    return { guest: { id } };
  }
  if (!isOpen && (restored === undefined || restored !== job?.job))
    throw new Error(
      `the storage sub-agent was restarted during the restore, and has undone it: restore guest ${id} again`,
    );
  const notes = isOpen && restore ? await keep(deps, id, restore) : [];
  return {
    guest: await withSizes(deps, guest),
    ...(notes.length > 0 ? { message: notes.join('; ') } : {}),
  };
};
