import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from '../guests/entry.js';
import type { Watch } from '../guests/watch.js';

const POLL_MS = 100;
const CANCEL_WAIT_MS = 5000;
/** A QEMU that sends its memory may be slow to respond. */
const QUERY_TIMEOUT_MS = 60_000;
/** No limit that a disk would reach. By default QEMU sends 128 MiB in a second. */
const MAX_BYTES_PER_SECOND = 2 ** 40;

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

/**
 * Sends the memory and the devices' state of a halted guest to a unix socket: QMP `migrate`.
 * @param socket relative to QEMU's directory
 * @throws with QEMU's reason when that fails
 */
export const sendMemory = async (watch: Watch, socket: string, signal: AbortSignal): Promise<void> => {
  await watch.execute('migrate-set-parameters', { 'max-bandwidth': MAX_BYTES_PER_SECOND });
  await watch.execute('migrate', { uri: `unix:${socket}` });
  for (;;) {
    const { status, 'error-desc': reason } = await queryMigration(watch);
    if (status === 'completed') return;
    if (ENDED.has(status)) throw new Error(`QEMU did not save the memory: ${reason ?? `${status}`}`);
    await sleep(POLL_MS, undefined, { signal });
  }
};

/** Ends a migration, if one is under way, and waits until it has ended: QMP `migrate_cancel`. */
const cancelSending = async (watch: Watch): Promise<void> => {
  await watch.execute('migrate_cancel');
  const deadline = performance.now() + CANCEL_WAIT_MS;
  while (!ENDED.has((await queryMigration(watch)).status) && performance.now() < deadline)
    await sleep(POLL_MS);
};

/** Ends a save that has failed: the guest runs again, unless it was paused before, also when all of its memory was sent. */
export const resumeAfterSave = async (entry: Entry, watch: Watch): Promise<void> => {
  const { saving } = entry.record;
  try {
    await cancelSending(watch);
    if (!saving?.paused) await watch.execute('cont');
  } finally {
    await entry.update({ saving: undefined });
  }
};
