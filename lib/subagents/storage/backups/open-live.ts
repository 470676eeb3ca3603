import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type { QmpClient } from '../../../qmp/client.js';
import type { BackupSource } from '../../../rpc/protocol/backup-disk-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { sharedGuestPaths } from '../../shared/guest-run-dir.js';
import { addFiles, addListener } from '../../shared/qemu-files.js';
import { withMonitor } from '../running-guest.js';
import type { StoredDisk } from '../stored.js';
import { bitmapName, dropBitmaps } from './bitmaps.js';
import type { BackupDeps } from './deps.js';
import {
  addFilter,
  exportName,
  exportSnapshot,
  insertFilter,
  LISTENER,
  removeFilters,
  requireAttached,
  startServer,
} from './fleecing.js';
import { captureRunning, requireNotSending } from './instant.js';
import { liveBitmaps } from './live-bitmaps.js';
import { backupPaths, makeBackupDirs } from './paths.js';
import { bitmapOf, type PlannedDisk, planDisks, sizesOf, toSourceDisk } from './plan.js';
import { createScratch, requireRoom, type Scratch, scratchLimit } from './scratch.js';
import { hasSmallFiles } from './small-files.js';
import { type BackupState, writeBackupState } from './state.js';

/** Runs `work` with the monitor of a guest that has been found running. */
const withLive = <T>(
  { runDir }: BackupDeps,
  guest: string,
  work: (live: QmpClient) => Promise<T>,
): Promise<T> =>
  withMonitor(runDir, guest, async (live) => {
    if (!live) throw new Refusal('conflict', `guest ${guest} has just ended: back it up again`);
    return work(live);
  });

/** Gives a running QEMU the scratch files and the socket to serve on. */
const passFiles = async (
  { runDir }: BackupDeps,
  guest: string,
  scratch: readonly Scratch[],
  socket: string,
): Promise<string[]> => {
  const monitor = sharedGuestPaths(runDir, guest);
  const paths = scratch.map(({ path }) => path);
  const names = await addFiles(monitor, paths, constants.O_RDWR);
  await addListener(monitor, socket, LISTENER);
  return names;
};

/** @throws {Refusal} when a running guest is in a state in which it cannot be backed up */
const requireReady = async (live: QmpClient, guest: string, disks: readonly StoredDisk[]): Promise<void> => {
  await requireNotSending(live, guest);
  await requireAttached(live, guest, disks);
};

/** Checks what `openLive` would refuse, and changes nothing. @throws {Refusal} */
export const checkLive = async (
  { store, backupDir, scratchBytes }: BackupDeps,
  guest: string,
  live: QmpClient,
  disks: readonly StoredDisk[],
): Promise<void> => {
  await requireReady(live, guest, disks);
  const sizes = await Promise.all(disks.map((disk) => store.diskBytes(disk, live)));
  // The directory of backups exists only once there was one.
  await requireRoom(
    dirname(backupDir),
    sizes.map((size) => scratchLimit(size, scratchBytes)),
  );
};

/**
 * Opens the disks of a running guest for a backup: its own QEMU serves them as they are at one instant, and keeps what the
 * guest overwrites afterwards in scratch files.
 * @throws when something of it cannot be opened; `endBackup` undoes what was done
 */
export const openLive = async (
  deps: BackupDeps,
  guest: string,
  backup: string,
  { state, disks }: { state: BackupState; disks: readonly StoredDisk[] },
): Promise<BackupSource> => {
  const { store } = deps;
  const paths = backupPaths(deps, guest);
  await makeBackupDirs(paths);
  const planned = await withLive(deps, guest, async (live) => {
    await requireReady(live, guest, disks);
    await removeFilters(
      live,
      disks.map(({ index }) => index),
    );
    const bitmaps = liveBitmaps(live);
    await dropBitmaps(bitmaps, disks, state.base?.backup);
    return planDisks(bitmaps, state, disks, (disk) => store.diskBytes(disk, live));
  });
  const scratch = planned.map(({ disk, size }) => ({
    path: paths.scratch(disk.index),
    limit: scratchLimit(size, deps.scratchBytes),
  }));
  await requireRoom(
    paths.dir,
    scratch.map(({ limit }) => limit),
  );
  const halts = disks.length > 1 || (await hasSmallFiles(store, guest));
  const opened = { backup, by: 'qemu' as const, halts, sizes: sizesOf(planned) };
  await writeBackupState(store, guest, { ...state, opened });
  for (const [index, { size }] of planned.entries()) {
    const file = scratch[index];
    if (file) await createScratch(file, size);
  }
  const names = await passFiles(deps, guest, scratch, paths.liveSocket);
  const source = await withLive(deps, guest, async (live): Promise<BackupSource> => {
    const bitmaps = liveBitmaps(live);
    for (const [index, { disk }] of planned.entries()) {
      // Before the filter: what is written in between is in both lists.
      await bitmaps.add(disk, bitmapName(backup));
      await addFilter(live, disk, { filename: names[index] ?? '', limit: scratch[index]?.limit ?? 0 });
    }
    await startServer(live);
    const options = { halts, filesDir: paths.files };
    const instant = await captureRunning(deps, guest, live, options, async () => {
      for (const disk of disks) await insertFilter(live, disk);
    });
    for (const disk of planned) await exportSnapshot(live, disk.disk, bitmapOf(disk));
    return { ...instant, disks: planned.map((disk) => sourceOf(disk, paths.liveSocket)) };
  });
  await writeBackupState(store, guest, { ...state, opened: { ...opened, source } });
  return source;
};

const sourceOf = (planned: PlannedDisk, socket: string): BackupSource['disks'][number] =>
  toSourceDisk(planned, { socket, export: exportName(planned.disk) });
