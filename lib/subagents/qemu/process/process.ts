import { readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { coalesce } from '../../../async/coalesce.js';
import { isErrno } from '../../../errors.js';
import { listPids } from '../../../process/list-pids.js';
import type { GuestPaths } from '../layout.js';

const POLL_MS = 20;

/** Indexes of fields of /proc/PID/stat (proc(5)), counted from field 3, which follows the program's name. */
const STAT = { state: 3 - 3, threads: 20 - 3, started: 22 - 3 };

/** Returns an empty text when the file or its process is gone. */
const readIfExists = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return '';
    throw error;
  }
};

/**
 * Returns a process's start time in clock ticks since the host's boot; `undefined` when the process is gone or a
 * zombie. A process whose main thread has exited still counts while other threads run.
 */
export const startOf = async (pid: number): Promise<string | undefined> => {
  const stat = await readIfExists(`/proc/${pid}/stat`);
  // The name may contain blanks and parentheses; the last parenthesis closes it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const dead = /[ZX]/.test(fields[STAT.state] ?? '') && Number(fields[STAT.threads]) <= 1;
  return stat === '' || dead ? undefined : fields[STAT.started];
};

/**
 * Returns the process id of a guest's QEMU that is up. Compares the recorded process id and start time only: a guest
 * that took over its QEMU controls everything that the process says about itself, such as its command line.
 */
export const findQemu = async ({
  pid: pidFile,
  started,
}: Pick<GuestPaths, 'pid' | 'started'>): Promise<number | undefined> => {
  const [text, start] = await Promise.all([readIfExists(pidFile), readIfExists(started)]);
  const pid = Number(text.trim());
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  return (await startOf(pid)) === start.trim() ? pid : undefined;
};

/** The suffix that the kernel shows after the name of a removed directory. */
const REMOVED = / \(deleted\)$/;

/** Returns `undefined` for a process that is gone or that this user may not inspect; neither is a guest's QEMU. */
const workingDirOf = async (pid: number): Promise<string | undefined> => {
  try {
    return (await readlink(`/proc/${pid}/cwd`)).replace(REMOVED, '');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined;
    throw error;
  }
};

const isQemu = async (pid: number): Promise<boolean> =>
  (await readIfExists(`/proc/${pid}/cmdline`)).includes('\0guest=');

/** Process ids by working directory. */
type Processes = ReadonlyMap<string, readonly number[]>;

/** Every start waits for this, so it makes only one system call for each of the host's processes. */
const scan = async (): Promise<Processes> => {
  const found = new Map<string, number[]>();
  const pids = (await listPids()).map(Number);
  const add = async (pid: number): Promise<void> => {
    const dir = await workingDirOf(pid);
    if (dir === undefined) return;
    found.set(dir, [...(found.get(dir) ?? []), pid]);
  };
  await Promise.all(pids.map(add));
  return found;
};

const scanProcesses = coalesce(scan);

/**
 * Returns the process id of a guest's QEMU, even one that is still coming up. An interrupted start has recorded
 * nothing, so this looks at every process's working directory. No guest can enter another's directory, so none can
 * pass for another.
 */
export const findAnyQemu = async (paths: GuestPaths): Promise<number | undefined> => {
  const recorded = await findQemu(paths);
  if (recorded !== undefined) return recorded;
  for (const pid of await findStartedIn(paths.runDir)) if (await isQemu(pid)) return pid;
  return undefined;
};

/** Returns the ids of the processes with that working directory, which may be removed by now. */
export const findStartedIn = async (dir: string): Promise<readonly number[]> => {
  const parent = dirname(dir);
  const real = join(await realpath(parent).catch(() => parent), basename(dir));
  return (await scanProcesses()).get(real) ?? [];
};

/** Waits until a guest has no QEMU, and resolves to whether that happened in time. */
export const waitForExit = async (paths: GuestPaths, timeoutMs: number): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const pid = await findAnyQemu(paths);
    const start = pid === undefined ? undefined : await startOf(pid);
    if (pid === undefined || start === undefined) return true;
    while ((await startOf(pid)) === start) {
      if (performance.now() >= deadline) return false;
      await sleep(POLL_MS);
    }
  }
};

/** Kills a guest's QEMU, if it has one, and resolves to whether the process was gone in time. */
export const killQemu = async (paths: GuestPaths, timeoutMs: number): Promise<boolean> => {
  const pid = await findAnyQemu(paths);
  if (pid === undefined) return true;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
  return waitForExit(paths, timeoutMs);
};
