import type { QmpClient } from '../../../qmp/client.js';
import type { StoredDisk } from '../disk-store.js';
import { memberNode } from '../nvram.js';

/** QEMU flushes its cache before it responds. */
const TIMEOUT_MS = 120_000;

/** Takes snapshots of all disks at one instant, or none: QMP `transaction` of `blockdev-snapshot-internal-sync`. */
export const createLiveSnapshot = async (
  live: QmpClient,
  disks: StoredDisk[],
  name: string,
): Promise<void> => {
  const actions = disks.map((disk) => ({
    type: 'blockdev-snapshot-internal-sync',
    data: { device: memberNode(disk), name },
  }));
  await live.execute('transaction', { actions }, { timeoutMs: TIMEOUT_MS });
};

/** Deletes one disk's snapshot: QMP `blockdev-snapshot-delete-internal-sync`. */
export const deleteLiveSnapshot = async (live: QmpClient, disk: StoredDisk, name: string): Promise<void> => {
  await live.execute(
    'blockdev-snapshot-delete-internal-sync',
    { device: memberNode(disk), name },
    { timeoutMs: TIMEOUT_MS },
  );
};
