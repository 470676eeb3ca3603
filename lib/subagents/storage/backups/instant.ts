import type { QmpClient } from '../../../qmp/client.js';
import type { BackupSource } from '../../../rpc/protocol/backup-messages.js';
import { hasAgent } from '../../shared/guest-agent/port.js';
import { sharedGuestPaths } from '../../shared/guest-run-dir.js';
import { whileFrozen } from '../guest-agent/freeze.js';
import type { BackupDeps } from './deps.js';
import { copySmallFiles } from './small-files.js';

/** QEMU flushes its caches before it responds. */
const HALT_TIMEOUT_MS = 60_000;

/** What is known of a moment besides the disks. */
export type Instant = Pick<BackupSource, 'consistency' | 'moment' | 'files'>;

/** Runs `work` while the vCPUs of a guest are halted, and their writes are in the files of its disks. */
const whileHalted = async (live: QmpClient, work: () => Promise<void>): Promise<void> => {
  const { running } = await live.execute<{ running: boolean }>('query-status');
  if (!running) return work();
  await live.execute('stop', undefined, { timeoutMs: HALT_TIMEOUT_MS });
  try {
    await work();
  } finally {
    await live.execute('cont');
  }
};

/**
 * Captures a running guest at one instant, with its file systems frozen if its guest agent can do that: runs `take`, and
 * copies the small files.
 * @param halts whether the vCPUs must not run meanwhile
 */
export const captureRunning = async (
  { store, runDir, log, freezeTimeouts: timeouts }: BackupDeps,
  guest: string,
  live: QmpClient,
  { halts, filesDir }: { halts: boolean; filesDir: string },
  take: () => Promise<void>,
): Promise<Instant> => {
  let moment = '';
  let files: BackupSource['files'] = [];
  const takeAll = async (): Promise<void> => {
    await take();
    moment = new Date().toISOString();
    files = await copySmallFiles(store, guest, filesDir);
  };
  const work = (): Promise<void> => (halts ? whileHalted(live, takeAll) : takeAll());
  if (await hasAgent(live)) {
    const { guestAgent: socket } = sharedGuestPaths(runDir, guest);
    const consistency = await whileFrozen({ socket, log: log.child({ guest }), timeouts }, work);
    return { consistency, moment, files };
  }
  await work();
  return { consistency: 'crash', moment, files };
};
