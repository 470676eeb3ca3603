import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { DiskStore } from '../disk-store.js';
import { isRunning } from '../running-guest.js';
import { readBackupState } from './state.js';

type Store = Pick<DiskStore, 'guestDir'>;

/**
 * Requires that no disks of a guest are open for a restore.
 * @throws {Refusal} `conflict`
 */
export const requireNoRestore = async ({ store }: { store: Store }, guest: string): Promise<void> => {
  const { restore } = await readBackupState(store, guest);
  if (restore)
    throw new Refusal(
      'conflict',
      `guest ${guest} is being restored from backup ${restore.backup}: wait until that is done, or cancel it`,
    );
};

/**
 * Requires that the disks of a guest are open neither for a backup nor for a restore. A backup of a guest that ran and is
 * off by now has failed, and is in nobody's way.
 * @throws {Refusal} `conflict`
 */
export const requireNoBackup = async (
  { store, runDir }: { store: Store; runDir: string },
  guest: string,
): Promise<void> => {
  await requireNoRestore({ store }, guest);
  const { opened } = await readBackupState(store, guest);
  if (!opened || (opened.by === 'qemu' && !(await isRunning(runDir, guest)))) return;
  throw new Refusal(
    'conflict',
    `guest ${guest} is being backed up (backup ${opened.backup}): wait until that is done, or cancel it`,
  );
};
