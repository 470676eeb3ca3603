import { guestKey } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import type { QmpClient } from '../../../qmp/client.js';
import { sharedGuestPaths } from '../../shared/guest-run-dir.js';
import type { DiskStore, StoredDisk, StoredSnapshot } from '../disk-store.js';
import { isNoSpace } from '../errors.js';
import { thawLeftBehind } from '../guest-agent/freeze.js';
import { withMonitor } from '../running-guest.js';
import type { Intent } from './journal.js';
import type { SnapshotDeps } from './methods.js';

/** Those of the disks that have the snapshot. */
export const having = async (store: DiskStore, disks: StoredDisk[], name: string): Promise<StoredDisk[]> => {
  const lists = await Promise.all(disks.map((disk) => store.snapshots(disk)));
  return disks.filter((_, index) => lists[index]?.some((snapshot) => snapshot.name === name));
};

/** A disk's snapshots as they are told of, less one that is to be undone or removed as soon as can be. */
export const listSnapshots = async (
  { store, journal }: SnapshotDeps,
  guest: string,
  disk: StoredDisk,
): Promise<StoredSnapshot[]> => {
  const [all, intent] = await Promise.all([store.snapshots(disk), journal.find(guest)]);
  if (!intent || intent.action === 'rollback' || !intent.disks.includes(disk.index)) return all;
  return all.filter(({ name }) => name !== intent.name);
};

/** The snapshots of a disk that were taken after one of them, oldest first; `undefined` when it does not have that. */
export const newerThan = async (
  store: DiskStore,
  disk: StoredDisk,
  name: string,
): Promise<string[] | undefined> => {
  const names = (await store.snapshots(disk)).map((snapshot) => snapshot.name);
  const at = names.indexOf(name);
  return at === -1 ? undefined : names.slice(at + 1);
};

const rollForward = async (store: DiskStore, disks: StoredDisk[], name: string): Promise<void> => {
  for (const disk of disks) {
    const newer = await newerThan(store, disk, name);
    if (newer) await store.rollback(disk, name, newer);
  }
};

const complete = async (
  { store, log, runDir }: SnapshotDeps,
  guest: string,
  { action, name, disks: numbers }: Intent,
  live: QmpClient | undefined,
): Promise<void> => {
  const disks = ((await store.findDisks(guest)) ?? []).filter(({ index }) => numbers.includes(index));
  if (live && action === 'create')
    await thawLeftBehind({
      socket: sharedGuestPaths(runDir, guest).guestAgent,
      log: log.child({ guest, snapshot: name }),
    });
  if (!live) for (const disk of disks) await store.repair(disk);
  if (action !== 'rollback') await store.deleteSnapshot(await having(store, disks, name), name, live);
  else if (!live) await rollForward(store, disks, name);
  // Its disks are as they are: it works on them.
  else log.warn({ guest }, `guest ${guest} was started before its rollback to ${name} was complete`);
};

/**
 * Undoes a snapshot that was not taken of all disks, and goes on with a rollback or the removal of one. To be awaited
 * before it is decided what to do to a guest's snapshots: what it changes must not have been looked at.
 * @throws when it cannot be done now
 */
export const settleGuest = async (deps: SnapshotDeps, guest: string): Promise<void> => {
  const { journal, log, runDir } = deps;
  const intent = await journal.find(guest);
  if (!intent) return;
  const what = `${intent.action} ${intent.name}`;
  try {
    await withMonitor(runDir, guest, (live) => complete(deps, guest, intent, live));
  } catch (error) {
    // Never later, when the guest may have run on its disks for days: who asked for the rollback is to do so again.
    if (intent.action === 'rollback') await journal.clear(guest);
    throw new Error(`guest ${guest}: ${what} cannot be settled: ${errorMessage(error)}`, { cause: error });
  }
  await journal.clear(guest);
  log.info({ guest, ...intent }, `settled what was under way: ${what}`);
};

/** Settles what can be settled now; the rest is before anything is done to that guest's snapshots. */
const trySettling = async (deps: SnapshotDeps, guest: string): Promise<void> => {
  try {
    await settleGuest(deps, guest);
  } catch (error) {
    deps.log.error({ guest }, errorMessage(error));
  }
};

/** Settles what an earlier process left. */
export const settleAll = async (deps: SnapshotDeps): Promise<void> => {
  for (const guest of await deps.journal.guests())
    await deps.locks.run(guestKey(guest), () => trySettling(deps, guest));
};

/** To remove a snapshot is how room is made: on a full device its caller alone goes on with it if it is cut off. */
const note = async ({ journal }: SnapshotDeps, guest: string, intent: Intent): Promise<void> => {
  try {
    await journal.write(guest, intent);
  } catch (error) {
    if (intent.action !== 'delete' || !isNoSpace(error)) throw error;
  }
};

/**
 * Does `work`, which changes one disk after the other, so that when the process is killed on the way the next one
 * knows. A snapshot that fails is undone; of the rest its caller is told, who may do it again.
 */
export const journaled = async (
  deps: SnapshotDeps,
  guest: string,
  intent: Intent,
  work: () => Promise<void>,
): Promise<void> => {
  await note(deps, guest, intent);
  try {
    await work();
  } catch (error) {
    if (intent.action === 'create') await trySettling(deps, guest);
    else await deps.journal.clear(guest);
    throw error;
  }
  await deps.journal.clear(guest);
};
