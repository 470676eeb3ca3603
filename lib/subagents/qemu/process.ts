import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

/** The text of a file, empty when it or the process behind it is gone. No other failure means that. */
const readIfThere = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
};

/** The process' arguments; none when it is gone, or dead and not yet waited for. */
const argumentsOf = async (pid: string | number): Promise<string[]> =>
  (await readIfThere(`/proc/${pid}/cmdline`)).split('\0');

/** The pid file that a QEMU was started with: a process id alone may long be another process'. */
const pidFileOf = async (pid: string | number): Promise<string | undefined> => {
  const args = await argumentsOf(pid);
  const option = args.indexOf('-pidfile');
  return option < 0 ? undefined : args[option + 1];
};

const pidIn = async (pidFile: string): Promise<number | undefined> => {
  const pid = Number((await readIfThere(pidFile)).trim());
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
};

let scanUnderWay: Promise<Map<string, number>> | undefined;

const scan = async (): Promise<Map<string, number>> => {
  const found = new Map<string, number>();
  for (const name of await readdir('/proc')) {
    const pidFile = /^\d+$/.test(name) ? await pidFileOf(name) : undefined;
    if (pidFile !== undefined) found.set(pidFile, Number(name));
  }
  return found;
};

/** Looks at every process of the host, once for all who ask at the same time. */
const scanProcesses = (): Promise<Map<string, number>> => {
  scanUnderWay ??= scan().finally(() => {
    scanUnderWay = undefined;
  });
  return scanUnderWay;
};

/**
 * The process id of the QEMU that was started with a pid file, `undefined` when there is none. A QEMU
 * that is still coming up has not written its file yet, so without one every process is looked at.
 */
export const findQemu = async (pidFile: string): Promise<number | undefined> => {
  const noted = await pidIn(pidFile);
  if (noted !== undefined && (await pidFileOf(noted)) === pidFile) return noted;
  return (await scanProcesses()).get(pidFile);
};

/** Waits until no QEMU has that pid file; answers whether that came in time. */
export const exited = async (pidFile: string, timeoutMs: number): Promise<boolean> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const pid = await findQemu(pidFile);
    if (pid === undefined) return true;
    while ((await pidFileOf(pid)) === pidFile) {
      if (Date.now() >= deadline) return false;
      await sleep(POLL_MS);
    }
  }
};

/** Ends the QEMU with that pid file at once; one that is gone already is no error. */
export const killQemu = async (pidFile: string): Promise<void> => {
  const pid = await findQemu(pidFile);
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};
