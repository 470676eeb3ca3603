import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { DiskStore } from '../disk-store.js';
import { isRunning } from '../running-guest.js';
import { readBackupState } from './state.js';

/**
 * Requires that the disks of a guest are not open for a backup. A backup of a guest that ran and is off by now has failed,
 * and is in nobody's way.
 * @throws {Refusal} `conflict`
 */
export const requireNoBackup = async (
  { store, runDir }: { store: Pick<DiskStore, 'guestDir'>; runDir: string },
  guest: string,
): Promise<void> => {
  const { opened } = await readBackupState(store, guest);
  if (!opened || (opened.live && !(await isRunning(runDir, guest)))) return;
  throw new Refusal(
    'conflict',
    `guest ${guest} is being backed up (backup ${opened.backup}): wait until that is done, or cancel it`,
  );
};
