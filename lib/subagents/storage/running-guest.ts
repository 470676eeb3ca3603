import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { QmpClient } from '../../qmp/client.js';

const TIMEOUT_MS = 5000;

/** Errors of connect(2) that say that no QEMU runs behind a socket. */
const NOT_RUNNING = new Set(['ENOENT', 'ECONNREFUSED']);

/** The monitor that the QEMU of a guest keeps for the storage sub-agent. */
const socketPath = (runDir: string, guest: string): string => join(runDir, guest, 'qmp-storage.sock');

const connect = async (path: string): Promise<QmpClient | undefined> => {
  try {
    return await QmpClient.connect(path, { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
    if (cause?.code !== undefined && NOT_RUNNING.has(cause.code)) return undefined;
    throw error;
  }
};

/**
 * Runs `work` with the monitor of a guest's QEMU, or with none when the guest is not running.
 * @throws when the guest runs but its monitor does not answer
 */
export const withMonitor = async <T>(
  runDir: string,
  guest: string,
  work: (live: QmpClient | undefined) => Promise<T>,
): Promise<T> => {
  const live = await connect(socketPath(runDir, guest));
  try {
    return await work(live);
  } finally {
    live?.close();
  }
};

/** Whether a guest's QEMU runs; a paused one does. */
export const isRunning = (runDir: string, guest: string): Promise<boolean> =>
  withMonitor(runDir, guest, async (live) => live !== undefined);

/** The mark that the qemu sub-agent leaves of a guest that has shut itself down: docs/qemu.md. */
const haltedPath = (runDir: string, guest: string): string => join(runDir, `${guest}.halted`);

/** Whether the disks of a guest that is off are as it left them when it shut itself down. */
export const hasHalted = (runDir: string, guest: string): Promise<boolean> =>
  access(haltedPath(runDir, guest)).then(
    () => true,
    () => false,
  );

/** Its disks are to be as they were at another time. */
export const forgetHalt = (runDir: string, guest: string): Promise<void> =>
  rm(haltedPath(runDir, guest), { force: true });
