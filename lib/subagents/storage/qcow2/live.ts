import type { QmpClient } from '../../../qmp/client.js';
import type { StoredDisk } from '../disk-store.js';

/** QEMU flushes its cache before it responds. */
const TIMEOUT_MS = 120_000;

/** Returns the name of a disk's qcow2 node in its guest's QEMU, as the qemu sub-agent names it. */
const nodeName = ({ index }: StoredDisk): string => `disk${index}`;

/** Takes snapshots of all disks at one instant, or none: QMP `transaction` of `blockdev-snapshot-internal-sync`. */
export const createLiveSnapshot = async (
  live: QmpClient,
  disks: StoredDisk[],
  name: string,
): Promise<void> => {
  const actions = disks.map((disk) => ({
    type: 'blockdev-snapshot-internal-sync',
    data: { device: nodeName(disk), name },
  }));
  await live.execute('transaction', { actions }, { timeoutMs: TIMEOUT_MS });
};

/** Deletes one disk's snapshot: QMP `blockdev-snapshot-delete-internal-sync`. */
export const deleteLiveSnapshot = async (live: QmpClient, disk: StoredDisk, name: string): Promise<void> => {
  await live.execute(
    'blockdev-snapshot-delete-internal-sync',
    { device: nodeName(disk), name },
    { timeoutMs: TIMEOUT_MS },
  );
};
