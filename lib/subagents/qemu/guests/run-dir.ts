import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import type { GuestPaths } from '../layout.js';
import { startOf } from '../process/process.js';

const ALL_OF_GROUP = 0o770;
const PASS_FOR_GROUP = 0o710;

/** Makes the directory that QEMU is started in, where it makes its sockets. */
export const makeRunDir = async ({ runDir, upDir }: GuestPaths, uid?: number): Promise<void> => {
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  await mkdir(upDir, { mode: 0o700 });
  if (uid === undefined) return;
  await chown(upDir, uid, uid);
  await chown(runDir, process.getuid?.() ?? 0, uid);
  await chmod(runDir, ALL_OF_GROUP);
};

/**
 * Takes the run directory from a QEMU whose sockets are there, before its guest runs: none of them can be replaced
 * by a link to another guest's.
 */
export const lockRunDir = async ({ runDir }: GuestPaths, uid?: number): Promise<void> => {
  if (uid !== undefined) await chmod(runDir, PASS_FOR_GROUP);
};

/** Notes a QEMU that is up, so that it is known again. */
export const notePid = async ({ pid: pidFile, started }: GuestPaths, pid: number): Promise<void> => {
  await writeFile(started, `${await startOf(pid)}\n`, { mode: 0o600, flag: 'wx' });
  await writeFile(pidFile, `${pid}\n`, { mode: 0o600, flag: 'wx' });
};

/** Notes that a guest that is off has shut itself down: all that it has written is on its disks. */
export const noteHalt = ({ halted }: GuestPaths): Promise<void> => writeFile(halted, '', { mode: 0o600 });

export const forgetHalt = ({ halted }: GuestPaths): Promise<void> => rm(halted, { force: true });
