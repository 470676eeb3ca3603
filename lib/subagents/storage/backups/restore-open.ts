import type {
  OpenRestoreRequest,
  OpenRestoreResponse,
  RestoreTarget,
} from '../../../rpc/protocol/backup-disk-messages.js';
import type { GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import { writeRollbackMark } from '../../shared/rollback-mark.js';
import { explainNoSpace } from '../errors.js';
import { isRunning } from '../running-guest.js';
import { recoverGuest } from '../snapshots/recover.js';
import { requireNotTorn } from '../snapshots/torn.js';
import type { StoredDisk } from '../stored.js';
import type { BackupDeps } from './deps.js';
import { SERVED_EXPORT } from './disk-server.js';
import { endBackup } from './end.js';
import { backupPaths, makeBackupDirs } from './paths.js';
import { requireNoBackup } from './require-none.js';
import { abandonRestore, endRestore } from './restore-end.js';
import { type OpenedRestore, readBackupState, writeBackupState } from './state.js';

/** A disk to restore, and its size in the backup. */
interface Wanted {
  disk: StoredDisk;
  bytes: number;
}

/** @throws {Refusal} when the guest lacks a disk of the backup */
const findWanted = async (
  { store }: BackupDeps,
  { guest: { id }, backup, restore }: OpenRestoreRequest,
): Promise<Wanted[]> => {
  const disks = (await store.findDisks(id)) ?? [];
  return restore.disks.map(({ disk: name, size }) => {
    const disk = disks.find(({ index }) => `${index}` === name);
    if (disk) return { disk, bytes: size };
    throw new Refusal(
      'conflict',
      `guest ${id} has no disk ${name}, which is in backup ${backup}: restore only the disks that it has, or a new guest`,
    );
  });
};

const requireOff = async ({ store, runDir }: BackupDeps, guest: string, wanted: Wanted[]): Promise<void> => {
  if (await isRunning(runDir, guest))
    throw new Refusal('conflict', `guest ${guest} is running: shut it down, then restore it`);
  const inTheWay = await store.openedBy(
    wanted.map(({ disk }) => disk),
    'rollback',
  );
  if (inTheWay.length > 0) throw new Refusal('conflict', inTheWay.join('; '));
};

/** Finds the disks to restore. @throws {Refusal} when they cannot be restored now */
const requireRestorable = async (deps: BackupDeps, request: OpenRestoreRequest): Promise<Wanted[]> => {
  const { id } = request.guest;
  const wanted = await findWanted(deps, request);
  await requireNoBackup(deps, id);
  await requireNotTorn(deps, id);
  await requireOff(deps, id, wanted);
  return wanted;
};

/** `ImageStore.CheckOpenRestore`: what `openRestore` checks. */
export const checkOpenRestore = async (
  deps: BackupDeps,
  request: OpenRestoreRequest,
): Promise<GuestResponse> => {
  const { id } = request.guest;
  // A restore that is open is ended first, and what it has in use with it.
  if (!(await readBackupState(deps.store, id)).restore) await requireRestorable(deps, request);
  return { guest: { id } };
};

/** Keeps the present state of each disk, and serves it for writing. */
const open = async (
  deps: BackupDeps,
  guest: string,
  wanted: readonly Wanted[],
  filesDir: string,
): Promise<RestoreTarget> => {
  const { store, servers } = deps;
  const paths = backupPaths(deps, guest);
  for (const { disk } of wanted) await store.keepState(disk);
  const disks: RestoreTarget['disks'] = [];
  for (const { disk, bytes } of wanted) {
    if ((await store.diskBytes(disk)) < bytes) await store.growDisk(disk, bytes);
    const socket = paths.socket(disk.index);
    await store.withOpenDisk(disk, 'write', (file) => servers.start(guest, file, { socket, writable: true }));
    const size = await store.diskBytes(disk);
    disks.push({ disk: `${disk.index}`, size, socket, export: SERVED_EXPORT });
  }
  return { disks, filesDir };
};

/**
 * `ImageStore.OpenRestore`: serves disks of a guest that is off for writing. Their present state is kept until
 * `CloseRestore`, and the guest does not start meanwhile. May be repeated by its job.
 */
export const openRestore = async (
  deps: BackupDeps,
  request: OpenRestoreRequest,
  { job }: Pick<CallContext, 'job'>,
): Promise<OpenRestoreResponse> => {
  const { store, servers } = deps;
  const { guest, backup, restore } = request;
  const { id } = guest;
  const before = (await readBackupState(store, id)).restore;
  if (before?.target && before.job === job?.job && servers.isServing(id, before.disks.length))
    return { guest: { id }, target: before.target };
  await endRestore(deps, id, false);
  await recoverGuest(deps.snapshots, id);
  const wanted = await requireRestorable(deps, request);
  // One of a guest that has ended since.
  await endBackup(deps, id, false);
  const paths = backupPaths(deps, id);
  await makeBackupDirs(paths);
  const opened: OpenedRestore = {
    ...{ backup, job: job?.job, disks: wanted.map(({ disk }) => disk.index) },
    files: restore.files.map(({ name }) => name),
  };
  const state = await readBackupState(store, id);
  await writeBackupState(store, id, { ...state, restore: opened });
  try {
    await writeRollbackMark(
      store.guestDir(id),
      `it is being restored from backup ${backup}: wait until that is done, or cancel it`,
    );
    const target = await explainNoSpace(`guest ${id}`, store, () => open(deps, id, wanted, paths.files));
    await writeBackupState(store, id, { ...state, restore: { ...opened, target } });
    return { guest: { id }, target };
  } catch (error) {
    await abandonRestore(deps, id);
    throw error;
  }
};
