import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { coalesced } from '../../../async/coalesce.js';
import { isErrno } from '../../../errors.js';
import type { GuestPaths } from '../layout.js';

const POLL_MS = 20;

/** Fields of /proc/PID/stat (proc(5)), counted from the first behind the program's name, which is field 3. */
const STAT = { state: 3 - 3, threads: 20 - 3, started: 22 - 3 };

/** The text of a file, empty when it or the process behind it is gone. No other failure means that. */
const readIfThere = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return '';
    throw error;
  }
};

/**
 * When a process was started, in clock ticks since the host's own start; `undefined` when it is gone, or dead and
 * not yet waited for. One whose first thread has ended is not gone while others of it run.
 */
export const startOf = async (pid: number): Promise<string | undefined> => {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  // The name may have blanks and parentheses in it; the last one closes it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const dead = /[ZX]/.test(fields[STAT.state] ?? '') && Number(fields[STAT.threads]) <= 1;
  return stat === '' || dead ? undefined : fields[STAT.started];
};

/**
 * The process id of a guest's QEMU that is up, `undefined` when there is none. It is the one that was noted: what a
 * process says of itself is not asked, its guest may have taken it over.
 */
export const findQemu = async ({ pid: pidFile, started }: GuestPaths): Promise<number | undefined> => {
  const [text, start] = await Promise.all([readIfThere(pidFile), readIfThere(started)]);
  const pid = Number(text.trim());
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  return (await startOf(pid)) === start.trim() ? pid : undefined;
};

/** What the kernel adds to the name of a directory that is removed. */
const REMOVED = / \(deleted\)$/;

/** A process that is gone has no working directory, and that of another user's may not be read: none is a guest's. */
const workingDirOf = async (pid: number): Promise<string | undefined> => {
  try {
    return (await readlink(`/proc/${pid}/cwd`)).replace(REMOVED, '');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined;
    throw error;
  }
};

const isQemu = async (pid: number): Promise<boolean> =>
  (await readIfThere(`/proc/${pid}/cmdline`)).includes('\0guest=');

/** The processes of the host by their working directories. */
type Processes = ReadonlyMap<string, readonly number[]>;

/** One system call for each process of the host: a start waits for this, and there may be thousands. */
const scan = async (): Promise<Processes> => {
  const found = new Map<string, number[]>();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const add = async (pid: number): Promise<void> => {
    const dir = await workingDirOf(pid);
    if (dir === undefined) return;
    found.set(dir, [...(found.get(dir) ?? []), pid]);
  };
  await Promise.all(pids.map(add));
  return found;
};

const scanProcesses = coalesced(scan);

/**
 * The same, be it still coming up: a start that was cut off has noted nothing, so every process is looked at. It is
 * known by its working directory: no guest can enter another's, so that none can pass for another.
 */
export const findAnyQemu = async (paths: GuestPaths): Promise<number | undefined> => {
  const noted = await findQemu(paths);
  if (noted !== undefined) return noted;
  const parent = dirname(paths.runDir);
  const runDir = join(await realpath(parent).catch(() => parent), basename(paths.runDir));
  for (const pid of (await scanProcesses()).get(runDir) ?? []) if (await isQemu(pid)) return pid;
  return undefined;
};

/** Waits until a guest has no QEMU; answers whether that came in time. */
export const exited = async (paths: GuestPaths, timeoutMs: number): Promise<boolean> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const pid = await findAnyQemu(paths);
    const start = pid === undefined ? undefined : await startOf(pid);
    if (pid === undefined || start === undefined) return true;
    while ((await startOf(pid)) === start) {
      if (Date.now() >= deadline) return false;
      await sleep(POLL_MS);
    }
  }
};

/** Ends a guest's QEMU at once, if there is one, and waits until it is gone; answers whether that came in time. */
export const killQemu = async (paths: GuestPaths, timeoutMs: number): Promise<boolean> => {
  const pid = await findAnyQemu(paths);
  if (pid === undefined) return true;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
  return exited(paths, timeoutMs);
};
