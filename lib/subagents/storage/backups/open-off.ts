import type { BackupSource } from '../../../rpc/protocol/backup-disk-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { hasHalted, sharedGuestPaths } from '../../shared/guest-run-dir.js';
import { writeRollbackMark } from '../../shared/rollback-mark.js';
import type { Bitmaps, StoredDisk } from '../stored.js';
import { dropBitmaps } from './bitmaps.js';
import type { BackupDeps } from './deps.js';
import { SERVED_EXPORT } from './disk-server.js';
import { backupPaths, makeBackupDirs } from './paths.js';
import { bitmapOf, planDisks, sizesOf, toSourceDisk } from './plan.js';
import { copySmallFiles } from './small-files.js';
import { type BackupState, writeBackupState } from './state.js';

const MARK = 'it is being backed up while it is off: wait until that is done, or cancel it';

/** @throws {Refusal} when another program has one of the disks of a guest that is off open */
export const requireUnopened = async (
  { store }: Pick<BackupDeps, 'store'>,
  disks: readonly StoredDisk[],
): Promise<void> => {
  const inTheWay = await store.openedBy([...disks], 'create');
  if (inTheWay.length > 0) throw new Refusal('conflict', inTheWay.join('; '));
};

/**
 * Opens the disks of a guest that is off for a backup. The guest does not start meanwhile.
 * @throws when something of it cannot be opened; `endBackup` undoes what was done
 */
export const openOff = async (
  deps: BackupDeps & { bitmaps: Bitmaps },
  guest: string,
  backup: string,
  { state, disks }: { state: BackupState; disks: readonly StoredDisk[] },
): Promise<BackupSource> => {
  const { store, servers, bitmaps } = deps;
  const paths = backupPaths(deps, guest);
  await requireUnopened(deps, disks);
  await makeBackupDirs(paths);
  await dropBitmaps(bitmaps, disks, state.base?.backup);
  const planned = await planDisks(bitmaps, state, disks, (disk) => store.diskBytes(disk));
  const opened = { backup, by: 'program' as const, halts: false, sizes: sizesOf(planned) };
  await writeBackupState(store, guest, { ...state, opened });
  await writeRollbackMark(store.guestDir(guest), MARK);
  const moment = new Date().toISOString();
  const consistency = (await hasHalted(sharedGuestPaths(deps.runDir, guest))) ? 'filesystem' : 'crash';
  const files = await copySmallFiles(store, guest, paths.files);
  for (const each of planned) {
    const socket = paths.socket(each.disk.index);
    await store.withOpenDisk(each.disk, 'read', (file) =>
      servers.start(guest, file, { socket, writable: false, bitmap: bitmapOf(each) }),
    );
  }
  const sources = planned.map((each) =>
    toSourceDisk(each, { socket: paths.socket(each.disk.index), export: SERVED_EXPORT }),
  );
  const source: BackupSource = { consistency, moment, disks: sources, files };
  await writeBackupState(store, guest, { ...state, opened: { ...opened, source } });
  return source;
};
