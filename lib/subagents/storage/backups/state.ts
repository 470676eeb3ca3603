import { join } from 'node:path';
import { replaceFile } from '../../../files/atomic-files.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import type { BackupSource, RestoreTarget } from '../../../rpc/protocol/backup-disk-messages.js';
import type { DiskStore } from '../disk-store.js';

/** The sizes of disks in bytes, by their numbers. */
export type Sizes = Readonly<Record<string, number>>;

/** A backup for which the disks of a guest are open. */
export interface OpenedBackup {
  backup: string;
  /**
   * What serves the disks: the QEMU of a running guest; a program, while the guest is off and does not start; or a program
   * that reads what the store has captured, whatever the guest does.
   */
  by: 'qemu' | 'program' | 'store';
  /** Whether its vCPUs may be halted, until `source` is there. */
  halts: boolean;
  sizes: Sizes;
  /** What is read. Absent until all of it is open. */
  source?: BackupSource;
}

/** A restore for which disks of a guest are open. */
export interface OpenedRestore {
  backup: string;
  /** The job of the restore. */
  job?: string | undefined;
  /** The numbers of the disks. */
  disks: number[];
  /** The names of the small files that are restored, too. */
  files: string[];
  /** Where to write to. Absent until all of it is open. */
  target?: RestoreTarget;
  /** Whether everything is restored. */
  isComplete?: boolean;
}

/** What is remembered of a guest's backups. */
export interface BackupState {
  /** The last backup that was confirmed. The bitmaps named after it say what has changed since. */
  base?: { backup: string; sizes: Sizes };
  /** Why a disk that has no bitmap has none, in words. */
  lost?: string;
  opened?: OpenedBackup;
  restore?: OpenedRestore;
  /** The job of the last restore that was completed. */
  restored?: string;
}

export const BACKUP_FILE = 'backup.json';

type Store = Pick<DiskStore, 'guestDir'>;

const pathOf = (store: Store, guest: string): string => join(store.guestDir(guest), BACKUP_FILE);

/** Reads what is remembered of a guest's backups; nothing for a guest that was never backed up. */
export const readBackupState = async (store: Store, guest: string): Promise<BackupState> =>
  (await readStateFile<BackupState>(pathOf(store, guest))) ?? {};

export const writeBackupState = (store: Store, guest: string, state: BackupState): Promise<void> =>
  replaceFile(pathOf(store, guest), stateText(state));

/** Remembers why the next backup has to read everything: a rollback removes the bitmaps. */
export const noteRollback = async (store: Store, guest: string, snapshot: string): Promise<void> => {
  const state = await readBackupState(store, guest);
  if (!state.base) return;
  const lost = `the guest was rolled back to snapshot ${snapshot} since the last backup`;
  await writeBackupState(store, guest, { ...state, lost });
};
