import type { QmpClient } from '../../../qmp/client.js';
import { isBackedUp } from '../../shared/block-nodes.js';
import { removeRollbackMark } from '../../shared/rollback-mark.js';
import { withMonitor } from '../running-guest.js';
import type { Bitmaps, StoredDisk } from '../stored.js';
import { bitmapName, dropBitmaps, mergeBack } from './bitmaps.js';
import type { BackupDeps } from './deps.js';
import { removeFilters } from './fleecing.js';
import { liveBitmaps } from './live-bitmaps.js';
import { backupPaths, removeBackupDirs } from './paths.js';
import { type BackupState, type OpenedBackup, readBackupState, writeBackupState } from './state.js';

const disksOf = async (
  { store }: BackupDeps,
  guest: string,
  { sizes }: OpenedBackup,
): Promise<StoredDisk[]> =>
  ((await store.findDisks(guest)) ?? []).filter(({ index }) => sizes[index] !== undefined);

/** Lets the vCPUs of a guest run that an interrupted backup may have halted. */
const resume = async (live: QmpClient, { by, halts, source }: OpenedBackup): Promise<void> => {
  // A QEMU that was started since has no filters.
  if (!halts || source || (by === 'qemu' && !(await isBackedUp(live)))) return;
  const { status } = await live.execute<{ status: string }>('query-status');
  if (status === 'paused') await live.execute('cont');
};

/** The end of a backup. */
interface Ending {
  opened: OpenedBackup;
  disks: readonly StoredDisk[];
  bitmaps: Bitmaps;
  isRunning: boolean;
}

/** Makes a backup the one that the next is based on, and removes what says what has changed since earlier ones. */
const confirm = async (
  { store }: BackupDeps,
  guest: string,
  state: BackupState,
  { opened, disks, bitmaps }: Ending,
): Promise<BackupState> => {
  const { backup, sizes, by } = opened;
  if (by === 'program' && state.base?.backup !== backup) {
    // The disks have not changed since they were opened.
    for (const disk of disks) {
      const all = await bitmaps.list(disk);
      if (!all.some(({ name }) => name === bitmapName(backup))) await bitmaps.add(disk, bitmapName(backup));
    }
  }
  const confirmed = { base: { backup, sizes } };
  await writeBackupState(store, guest, { ...confirmed, opened });
  await dropBitmaps(bitmaps, disks, backup);
  return confirmed;
};

/** Whether the new bitmaps say, or can say, what has changed since the backup. */
const canConfirm = ({ base }: BackupState, { opened, isRunning }: Ending, isComplete: boolean): boolean =>
  // A confirmation that was interrupted is completed.
  base?.backup === opened.backup ||
  (isComplete && opened.source !== undefined && (opened.by === 'qemu' || !isRunning));

const endBitmaps = async (
  deps: BackupDeps,
  guest: string,
  state: BackupState,
  ending: Ending,
  isComplete: boolean,
): Promise<BackupState> => {
  const { opened, disks, bitmaps } = ending;
  if (canConfirm(state, ending, isComplete)) return confirm(deps, guest, state, ending);
  if (opened.by === 'qemu') await mergeBack(bitmaps, disks, state.base?.backup, opened.backup);
  const { opened: _, ...rest } = state;
  return rest;
};

/**
 * Closes the disks of a guest.
 * @returns what is remembered of its backups then
 */
const closeDisks = async (
  deps: BackupDeps,
  guest: string,
  { state, opened, isComplete }: { state: BackupState; opened: OpenedBackup; isComplete: boolean },
): Promise<BackupState> => {
  const { runDir } = deps;
  const { backsUpBy } = deps.store;
  const disks = await disksOf(deps, guest, opened);
  return withMonitor(runDir, guest, async (live) => {
    if (live) await resume(live, opened);
    if ('captures' in backsUpBy) {
      await backsUpBy.captures.drop(disks);
      return {};
    }
    if (live) await removeFilters(live, Object.keys(opened.sizes).map(Number));
    const bitmaps = live ? liveBitmaps(live) : backsUpBy.bitmaps;
    const ending = { opened, disks, bitmaps, isRunning: live !== undefined };
    return endBitmaps(deps, guest, state, ending, isComplete);
  });
};

/**
 * Ends the backup for which a guest's disks are open: closes them, and removes what exists only for it. May be repeated
 * after an interruption at any step.
 * @param isComplete whether the repository has the backup: the next one is based on it. Otherwise the next one is based on
 * the one before
 */
export const endBackup = async (deps: BackupDeps, guest: string, isComplete: boolean): Promise<void> => {
  const { store, servers } = deps;
  const state = await readBackupState(store, guest);
  const { opened } = state;
  if (state.restore) return;
  await servers.end(guest);
  if (opened) {
    const left = await closeDisks(deps, guest, { state, opened, isComplete });
    if (opened.by === 'program') await removeRollbackMark(store.guestDir(guest));
    await writeBackupState(store, guest, left);
  }
  await removeBackupDirs(backupPaths(deps, guest));
};

/** Ends the backup of a guest that is being deleted. */
export const discardBackup = async (
  deps: Pick<BackupDeps, 'store' | 'servers' | 'backupDir' | 'runDir'>,
  guest: string,
): Promise<void> => {
  const { store, servers } = deps;
  await servers.end(guest);
  if ('captures' in store.backsUpBy)
    await store.backsUpBy.captures.drop((await store.findDisks(guest)) ?? []);
  await removeBackupDirs(backupPaths(deps, guest));
};
