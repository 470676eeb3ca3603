import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import type { GuestPaths } from '../layout.js';
import { startOf } from '../process/process.js';

const GROUP_MAY_CREATE = 0o770;
const GROUP_MAY_PASS = 0o710;

/** Makes the directory that QEMU starts in and creates its sockets in. */
export const makeRunDir = async ({ runDir, upDir }: GuestPaths, uid?: number): Promise<void> => {
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  await mkdir(upDir, { mode: 0o700 });
  if (uid === undefined) return;
  await chown(upDir, uid, uid);
  await chown(runDir, process.getuid?.() ?? 0, uid);
  await chmod(runDir, GROUP_MAY_CREATE);
};

/**
 * Revokes QEMU's permission to write to the run directory. Call it once the sockets exist and before the guest runs, so
 * that a guest that takes over its QEMU cannot replace one by a link to another guest's socket.
 */
export const lockRunDir = async ({ runDir }: GuestPaths, uid?: number): Promise<void> => {
  if (uid !== undefined) await chmod(runDir, GROUP_MAY_PASS);
};

export const removeRunDir = ({ runDir }: GuestPaths): Promise<void> =>
  rm(runDir, { recursive: true, force: true });

/** Records the process id and the start time of a QEMU that is up, by which `findQemu` recognizes it. */
export const recordPid = (paths: GuestPaths, pid: number): Promise<void> => recordProcess(paths, pid);

/** Records a process in the run directory. */
export const recordProcess = async (
  { pid: pidFile, started }: Pick<GuestPaths, 'pid' | 'started'>,
  pid: number,
): Promise<void> => {
  await writeFile(started, `${await startOf(pid)}\n`, { mode: 0o600, flag: 'wx' });
  await writeFile(pidFile, `${pid}\n`, { mode: 0o600, flag: 'wx' });
};
