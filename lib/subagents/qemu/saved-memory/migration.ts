import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from '../guests/entry.js';
import type { Watch } from '../guests/watch.js';

const POLL_MS = 100;
/** While a guest is halted, or about to be. */
const HALTED_POLL_MS = 10;
const END_WAIT_MS = 5000;
/** A QEMU that sends its memory may be slow to respond. */
const QUERY_TIMEOUT_MS = 60_000;
/** No limit that a disk would reach. By default QEMU sends 128 MiB in a second. */
const MAX_BYTES_PER_SECOND = 2 ** 40;
/** QEMU halts a guest once it expects to send the rest of its memory in this time. */
const MAX_DOWNTIME_MS = 100;

/** A part of QEMU's `MigrationInfo` (qapi/migration.json). */
interface MigrationInfo {
  status?: string;
  'error-desc'?: string;
}

const queryMigration = (watch: Watch): Promise<MigrationInfo> =>
  watch.execute<MigrationInfo>('query-migrate', undefined, { timeoutMs: QUERY_TIMEOUT_MS });

const ENDED: ReadonlySet<string | undefined> = new Set([
  undefined,
  'none',
  'completed',
  'failed',
  'cancelled',
]);

/** Whether memory that is in a shared file is left out of what QEMU sends, and expected to be left out of what it loads. */
export const ignoreShared = (state: boolean): { capabilities: object[] } => ({
  capabilities: [{ capability: 'x-ignore-shared', state }],
});

const startSending = async (watch: Watch, socket: string, holds: boolean): Promise<void> => {
  const capabilities = [{ capability: 'pause-before-switchover', state: holds }];
  await watch.execute('migrate-set-capabilities', { capabilities });
  await watch.execute('migrate-set-parameters', {
    'max-bandwidth': MAX_BYTES_PER_SECOND,
    'downtime-limit': MAX_DOWNTIME_MS,
  });
  await watch.execute('migrate', { uri: `unix:${socket}` });
};

/** @throws with QEMU's reason when the migration ends in another way */
const waitForStatus = async (
  watch: Watch,
  wanted: string,
  { pollMs, signal, onPoll }: { pollMs: number; signal: AbortSignal; onPoll?: () => Promise<void> },
): Promise<void> => {
  for (;;) {
    const { status, 'error-desc': reason } = await queryMigration(watch);
    if (status === wanted) return;
    if (ENDED.has(status)) throw new Error(`QEMU did not save the memory: ${reason ?? `${status}`}`);
    await onPoll?.();
    await sleep(pollMs, undefined, { signal });
  }
};

/**
 * Sends the memory and the devices' state of a halted guest to a unix socket: QMP `migrate`.
 * @param socket relative to QEMU's directory
 * @throws with QEMU's reason when that fails
 */
export const sendMemory = async (watch: Watch, socket: string, signal: AbortSignal): Promise<void> => {
  await startSending(watch, socket, false);
  await waitForStatus(watch, 'completed', { pollMs: POLL_MS, signal });
};

/**
 * As `sendMemory`, without the memory, which is in a shared file. The guest must not run after it: it would change the file.
 */
export const sendDevices = async (watch: Watch, socket: string, signal: AbortSignal): Promise<void> => {
  await watch.execute('migrate-set-capabilities', ignoreShared(true));
  await sendMemory(watch, socket, signal);
};

export interface LiveSending {
  signal: AbortSignal;
  /** Whether QEMU has sent so much that the guest changes its memory faster than that is sent. */
  isLong: () => boolean;
  /** Called when the guest is halted and only a rest is to be sent. */
  onHeld: () => Promise<void>;
}

/**
 * Sends the memory and the devices' state of a guest that runs on meanwhile, all but a rest; for that the guest is halted.
 * QEMU's disks can be changed until then: it hands them over with the rest.
 */
export const sendLive = async (
  watch: Watch,
  socket: string,
  { signal, isLong, onHeld }: LiveSending,
): Promise<void> => {
  let isHalted = false;
  const onPoll = async (): Promise<void> => {
    if (isHalted || !isLong()) return;
    isHalted = true;
    await watch.execute('stop');
  };
  await startSending(watch, socket, true);
  await waitForStatus(watch, 'pre-switchover', { pollMs: HALTED_POLL_MS, signal, onPoll });
  await onHeld();
  await watch.execute('migrate-continue', { state: 'pre-switchover' });
  await waitForStatus(watch, 'completed', { pollMs: HALTED_POLL_MS, signal });
};

/** Lets a guest run whose migration has ended. QEMU 11 completes a migration some moments after it says so. */
export const runAfterSending = async (watch: Watch): Promise<void> => {
  const isEnding = async (): Promise<boolean> =>
    (await watch.execute<{ status: string }>('query-status')).status === 'finish-migrate';
  const deadline = performance.now() + END_WAIT_MS;
  while ((await isEnding()) && performance.now() < deadline) await sleep(HALTED_POLL_MS);
  await watch.execute('cont');
};

/** Ends a migration, if one is under way, and waits until it has ended: QMP `migrate_cancel`. */
const cancelSending = async (watch: Watch): Promise<void> => {
  await watch.execute('migrate_cancel');
  const deadline = performance.now() + END_WAIT_MS;
  while (!ENDED.has((await queryMigration(watch)).status) && performance.now() < deadline)
    await sleep(POLL_MS);
};

/** Ends a save that has failed: the guest runs again, unless it was paused before, also when all of its memory was sent. */
export const resumeAfterSave = async (entry: Entry, watch: Watch): Promise<void> => {
  const { saving } = entry.record;
  try {
    await cancelSending(watch);
    if (!saving?.paused) await runAfterSending(watch);
  } finally {
    await entry.update({ saving: undefined });
  }
};
