import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedGuestPaths } from '../../shared/guest-run-dir.js';

/** Where the backup of a guest keeps what exists only while its disks are open. */
export interface BackupPaths {
  /** A directory for scratch files and copies of small files. */
  dir: string;
  scratch: (number: number) => string;
  files: string;
  /** A directory for sockets, whose paths may not be long: unix(7). */
  socketDir: string;
  /** The socket of the guest's QEMU. */
  liveSocket: string;
  /** The socket of the program that serves a disk of a guest that is off. */
  socket: (number: number) => string;
}

/** The directories that those of all guests are in. */
export interface BackupRoots {
  backupDir: string;
  runDir: string;
}

export const backupPaths = ({ backupDir, runDir }: BackupRoots, guest: string): BackupPaths => {
  const dir = join(backupDir, guest);
  const { backupDir: socketDir } = sharedGuestPaths(runDir, guest);
  return {
    dir,
    scratch: (number) => join(dir, `scratch-${number}.qcow2`),
    files: join(dir, 'files'),
    socketDir,
    liveSocket: join(socketDir, 'nbd'),
    socket: (number) => join(socketDir, `${number}`),
  };
};

/** Makes the directories of a backup, empty. */
export const makeBackupDirs = async (paths: BackupPaths): Promise<void> => {
  await removeBackupDirs(paths);
  for (const dir of [paths.dir, paths.files, paths.socketDir])
    await mkdir(dir, { recursive: true, mode: 0o700 });
};

export const removeBackupDirs = async ({ dir, socketDir }: BackupPaths): Promise<void> => {
  await rm(socketDir, { recursive: true, force: true });
  await rm(dir, { recursive: true, force: true });
};
