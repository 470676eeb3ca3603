import type { BackupSource } from '../../../rpc/protocol/backup-disk-messages.js';
import { hasHalted, sharedGuestPaths } from '../../shared/guest-run-dir.js';
import { withMonitor } from '../running-guest.js';
import type { Captures, StoredDisk } from '../stored.js';
import type { BackupDeps } from './deps.js';
import { SERVED_EXPORT } from './disk-server.js';
import { captureRunning, type Instant, requireNotSending } from './instant.js';
import { backupPaths, makeBackupDirs } from './paths.js';
import { copySmallFiles, hasSmallFiles } from './small-files.js';
import { type BackupState, writeBackupState } from './state.js';

const WHOLE = 'the disks are in ZFS, which has no list of changed blocks';

/**
 * Opens the disks of a guest for a backup in a store that can capture them by itself. The guest may run, start and end
 * meanwhile.
 * @throws when something of it cannot be opened; `endBackup` undoes what was done
 */
export const openCaptured = async (
  deps: BackupDeps & { captures: Captures },
  guest: string,
  backup: string,
  { state, disks }: { state: BackupState; disks: readonly StoredDisk[] },
): Promise<BackupSource> => {
  const { store, servers, captures, runDir } = deps;
  const paths = backupPaths(deps, guest);
  await makeBackupDirs(paths);
  const numbers = Object.fromEntries(disks.map(({ index, size }) => [index, size]));
  const halts = await hasSmallFiles(store, guest);
  const opened = { backup, by: 'store' as const, halts, sizes: numbers };
  await writeBackupState(store, guest, { ...state, opened });
  const take = (): Promise<void> => captures.take(disks);
  const instant = await withMonitor(runDir, guest, async (live): Promise<Instant> => {
    if (live) {
      await requireNotSending(live, guest);
      return captureRunning(deps, guest, live, { halts, filesDir: paths.files }, take);
    }
    await take();
    const consistency = (await hasHalted(sharedGuestPaths(runDir, guest))) ? 'filesystem' : 'crash';
    const files = await copySmallFiles(store, guest, paths.files);
    return { consistency, moment: new Date().toISOString(), files };
  });
  const sources: BackupSource['disks'] = [];
  for (const disk of disks) {
    const socket = paths.socket(disk.index);
    const size = await captures.withCaptured(disk, async ({ bytes, ...file }) => {
      await servers.start(guest, file, { socket, writable: false });
      return bytes;
    });
    sources.push({ disk: `${disk.index}`, size, socket, export: SERVED_EXPORT, whole: WHOLE });
  }
  const source = { ...instant, disks: sources };
  await writeBackupState(store, guest, { ...state, opened: { ...opened, source } });
  return source;
};
