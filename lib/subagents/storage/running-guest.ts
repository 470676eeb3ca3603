import { isErrno } from '../../errors.js';
import { QmpClient } from '../../qmp/client.js';
import { QmpClosedError } from '../../qmp/errors.js';
import { sharedGuestPaths } from '../shared/guest-run-dir.js';

const TIMEOUT_MS = 5000;

const connect = async (path: string): Promise<QmpClient | undefined> => {
  try {
    return await QmpClient.connect(path, { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    // Errors of connect(2): no QEMU listens on the socket.
    if (error instanceof Error && isErrno(error.cause, 'ENOENT', 'ECONNREFUSED')) return undefined;
    throw error;
  }
};

/**
 * Runs `work` with the monitor of a guest's QEMU, or with `undefined` when the guest is not running.
 * @throws when the guest runs but its monitor does not respond
 */
export const withMonitor = async <T>(
  runDir: string,
  guest: string,
  work: (live: QmpClient | undefined) => Promise<T>,
): Promise<T> => {
  const live = await connect(sharedGuestPaths(runDir, guest).qmpStorage);
  try {
    return await work(live);
  } finally {
    live?.close();
  }
};

/** Whether a guest's QEMU runs. A paused guest counts as running, and so does one that ends meanwhile. */
export const isRunning = (runDir: string, guest: string): Promise<boolean> =>
  withMonitor(runDir, guest, async (live) => live !== undefined).catch((error) => {
    if (error instanceof QmpClosedError) return true;
    throw error;
  });
