import { rm, writeFile } from 'node:fs/promises';
import { OWNER_ONLY } from '../../../files/atomic-files.js';
import type { QmpClient } from '../../../qmp/client.js';
import type { BackupSource } from '../../../rpc/protocol/backup-disk-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { whileFrozen } from '../../shared/guest-agent/freeze.js';
import { hasAgent } from '../../shared/guest-agent/port.js';
import { type SharedGuestPaths, sharedGuestPaths } from '../../shared/guest-run-dir.js';
import type { BackupDeps } from './deps.js';
import { copySmallFiles } from './small-files.js';

/** QEMU flushes its caches before it responds. */
const HALT_TIMEOUT_MS = 60_000;

/** What is known of a moment besides the disks. */
export type Instant = Pick<BackupSource, 'consistency' | 'moment' | 'files'>;

/** What QEMU says of memory that it does not send, or no longer: `MigrationStatus` in qapi/migration.json. */
const NOT_SENDING: ReadonlySet<string | undefined> = new Set([
  undefined,
  'none',
  'completed',
  'failed',
  'cancelled',
]);

/** @throws {Refusal} while the memory of a guest is being saved: QEMU cannot change its block nodes then */
export const requireNotSending = async (live: QmpClient, guest: string): Promise<void> => {
  const { status } = await live.execute<{ status?: string }>('query-migrate');
  if (!NOT_SENDING.has(status))
    throw new Refusal(
      'conflict',
      `the memory of guest ${guest} is being saved: back it up once that is done`,
    );
};

/** Runs `work` while the vCPUs of a guest are halted, and their writes are in the files of its disks. */
const whileHalted = async (
  live: QmpClient,
  { halting }: Pick<SharedGuestPaths, 'halting'>,
  work: () => Promise<void>,
): Promise<void> => {
  const { running } = await live.execute<{ running: boolean }>('query-status');
  if (!running) return work();
  await writeFile(halting, '', { mode: OWNER_ONLY });
  try {
    await live.execute('stop', undefined, { timeoutMs: HALT_TIMEOUT_MS });
    await work();
  } finally {
    await live.execute('cont');
    await rm(halting, { force: true });
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
  const paths = sharedGuestPaths(runDir, guest);
  const work = (): Promise<void> => (halts ? whileHalted(live, paths, takeAll) : takeAll());
  if (await hasAgent(live)) {
    const { guestAgent: socket } = paths;
    const consistency = await whileFrozen({ socket, log: log.child({ guest }), timeouts }, work);
    return { consistency, moment, files };
  }
  await work();
  return { consistency: 'crash', moment, files };
};
