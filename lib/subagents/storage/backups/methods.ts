import { readdir } from 'node:fs/promises';
import { guestKey } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import { ifExists } from '../../../files/atomic-files.js';
import {
  type BackupSource,
  type CloseRequest,
  closeRequestSchema,
  type GuestBackupRequest,
  guestBackupRequestSchema,
  type OpenBackupResponse,
  openRestoreRequestSchema,
} from '../../../rpc/protocol/backup-disk-messages.js';
import type { GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import type { SubAgent } from '../../../rpc/server/sub-agent.js';
import { notFound } from '../../shared/errors.js';
import { isRunning, withMonitor } from '../running-guest.js';
import { recoverGuest } from '../snapshots/recover.js';
import { requireNotTorn } from '../snapshots/torn.js';
import type { StoredDisk } from '../stored.js';
import type { BackupDeps } from './deps.js';
import { endBackup } from './end.js';
import { requireNotSending } from './instant.js';
import { openCaptured } from './open-captured.js';
import { checkLive, openLive } from './open-live.js';
import { openOff, requireUnopened } from './open-off.js';
import { backupPaths } from './paths.js';
import { requireNoRestore } from './require-none.js';
import { abandonRestore, closeRestore } from './restore-end.js';
import { checkOpenRestore, openRestore } from './restore-open.js';
import { describeFull } from './scratch.js';
import { type BackupState, type OpenedBackup, readBackupState } from './state.js';

/** @throws {Refusal} for a guest that has nothing to back up */
const requireDisks = async ({ store }: BackupDeps, guest: string): Promise<StoredDisk[]> => {
  const disks = await store.findDisks(guest);
  if (!disks) throw notFound(`guest ${guest}`);
  if (disks.length === 0) throw new Refusal('conflict', `guest ${guest} has no disks to back up`);
  return disks;
};

/** Whether the disks of a guest can still be read for a backup. */
const isReadable = async (
  { servers, runDir }: BackupDeps,
  guest: string,
  { by, sizes }: OpenedBackup,
): Promise<boolean> =>
  by === 'qemu' ? isRunning(runDir, guest) : servers.isServing(guest, Object.keys(sizes).length);

/** Opens the disks of a guest, in the way that its store has and its state allows. */
const open = async (
  deps: BackupDeps,
  guest: string,
  backup: string,
  work: { state: BackupState; disks: StoredDisk[] },
): Promise<BackupSource> => {
  const { backsUpBy } = deps.store;
  if ('captures' in backsUpBy) return openCaptured({ ...deps, ...backsUpBy }, guest, backup, work);
  if (await isRunning(deps.runDir, guest)) return openLive(deps, guest, backup, work);
  return openOff({ ...deps, ...backsUpBy }, guest, backup, work);
};

/** `ImageStore.OpenBackup`: opens the disks of a guest at one instant, for reading over NBD. May be repeated. */
const openBackup = async (
  deps: BackupDeps,
  { guest: { id }, backup }: GuestBackupRequest,
): Promise<OpenBackupResponse> => {
  const { store, log } = deps;
  const disks = await requireDisks(deps, id);
  const before = (await readBackupState(store, id)).opened;
  if (before?.backup === backup && before.source && (await isReadable(deps, id, before)))
    return { guest: { id }, source: before.source };
  await requireNoRestore({ store }, id);
  await endBackup(deps, id, false);
  await recoverGuest(deps.snapshots, id);
  await requireNotTorn({ store }, id);
  const work = { state: await readBackupState(store, id), disks };
  try {
    return { guest: { id }, source: await open(deps, id, backup, work) };
  } catch (error) {
    await endBackup(deps, id, false).catch((failure: unknown) => {
      log.error({ guest: id }, `backup not closed, retrying: ${errorMessage(failure)}`);
      endLater(deps, id, backup, false);
    });
    throw error;
  }
};

/** `ImageStore.CheckOpenBackup`: what `openBackup` checks before it changes anything. */
const checkOpenBackup = async (
  deps: BackupDeps,
  { guest: { id } }: GuestBackupRequest,
): Promise<GuestResponse> => {
  const { store, runDir } = deps;
  const disks = await requireDisks(deps, id);
  await requireNoRestore(deps, id);
  // A backup that is open is ended first, and what it has in use with it.
  if ((await readBackupState(store, id)).opened) return { guest: { id } };
  await requireNotTorn(deps, id);
  await withMonitor(runDir, id, async (live) => {
    if ('captures' in store.backsUpBy) await (live && requireNotSending(live, id));
    else await (live ? checkLive(deps, id, live, disks) : requireUnopened(deps, disks));
  });
  return { guest: { id } };
};

/** Says why a backup may have failed, as far as the storage knows. */
const describeFailure = async (
  deps: BackupDeps,
  guest: string,
  { by, sizes }: OpenedBackup,
): Promise<string | undefined> => {
  if (by !== 'qemu') return undefined;
  const { scratch } = backupPaths(deps, guest);
  const full = Object.keys(sizes).map((disk) => describeFull(disk, scratch(Number(disk))));
  return (await Promise.all(full)).find((each) => each !== undefined);
};

/** `ImageStore.CloseBackup`. A backup that is not open any longer is no error. */
const closeBackup = async (
  deps: BackupDeps,
  { guest: { id }, backup, outcome }: CloseRequest,
): Promise<GuestResponse> => {
  const { store } = deps;
  const isKnown = (await store.findDisks(id)) !== undefined;
  const { opened } = isKnown ? await readBackupState(store, id) : {};
  if (opened?.backup !== backup) return { guest: { id } };
  const isComplete = outcome === 'succeeded';
  const message = isComplete ? undefined : await describeFailure(deps, id, opened);
  try {
    await endBackup(deps, id, isComplete);
  } catch (error) {
    endLater(deps, id, backup, isComplete);
    throw error;
  }
  return { guest: { id }, ...(message === undefined ? {} : { message }) };
};

/** Ends a backup in the background, until that succeeds or another one is open. */
const endLater = (deps: BackupDeps, guest: string, backup: string | undefined, isComplete: boolean): void => {
  const end = async (): Promise<void> => {
    const { opened } = await readBackupState(deps.store, guest);
    if (opened?.backup === backup) await endBackup(deps, guest, isComplete);
  };
  deps.retries.start(guest, () => deps.locks.run(guestKey(guest), end));
};

/** Ends the backups that a killed process left open: what it served itself is gone, and nobody may close the others. */
export const recoverBackups = async (deps: BackupDeps): Promise<void> => {
  for (const guest of (await ifExists(readdir(deps.backupDir))) ?? [])
    await deps.locks.run(guestKey(guest), async () => {
      const { opened } = await readBackupState(deps.store, guest);
      try {
        await abandonRestore(deps, guest);
        await endBackup(deps, guest, false);
        deps.log.info({ guest }, 'interrupted backup ended');
      } catch (error) {
        deps.log.error({ guest }, `interrupted backup not ended, retrying: ${errorMessage(error)}`);
        endLater(deps, guest, opened?.backup, false);
      }
    });
};

type Work<Request> = (
  deps: BackupDeps,
  request: Request,
  call: Pick<CallContext, 'job'>,
) => Promise<GuestResponse>;

/** Registers the backup methods of `ImageStore`. Each guest runs one of them at a time. */
export const addBackups = (subAgent: SubAgent, deps: BackupDeps): void => {
  const locked =
    <Request extends GuestBackupRequest>(work: Work<Request>) =>
    (request: Request, call: CallContext) =>
      deps.locks.run(guestKey(request.guest.id), () => work(deps, request, call));
  subAgent
    .method('ImageStore.OpenBackup', guestBackupRequestSchema, locked(openBackup))
    .method('ImageStore.CheckOpenBackup', guestBackupRequestSchema, locked(checkOpenBackup))
    .method('ImageStore.CloseBackup', closeRequestSchema, locked(closeBackup))
    .method('ImageStore.OpenRestore', openRestoreRequestSchema, locked(openRestore))
    .method('ImageStore.CheckOpenRestore', openRestoreRequestSchema, locked(checkOpenRestore))
    .method('ImageStore.CloseRestore', closeRequestSchema, locked(closeRestore));
};
