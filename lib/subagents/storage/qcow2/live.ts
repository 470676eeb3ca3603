import type { QmpClient } from '../../../qmp/client.js';
import type { StoredDisk } from '../disk-store.js';

/** QEMU writes out what it has cached before it answers. */
const TIMEOUT_MS = 120_000;

/** The block node of a disk in its guest's QEMU: its qcow2 format node. */
const nodeName = ({ index }: StoredDisk): string => `disk${index}`;

/** Snapshots of all disks at one instant, all or none: QMP `transaction` of `blockdev-snapshot-internal-sync`. */
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

/** QMP `blockdev-snapshot-delete-internal-sync`. */
export const deleteLiveSnapshot = async (live: QmpClient, disk: StoredDisk, name: string): Promise<void> => {
  await live.execute(
    'blockdev-snapshot-delete-internal-sync',
    { device: nodeName(disk), name },
    { timeoutMs: TIMEOUT_MS },
  );
};
