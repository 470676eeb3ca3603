import type { QmpClient } from '../../../qmp/client.js';
import { type BlockNode, findBlockNode } from '../../shared/block-nodes.js';
import { memberNode } from '../nvram.js';
import type { StoredDisk } from '../stored.js';
import { UNDO } from './table.js';

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

const knows = ({ image: { snapshots = [] } }: BlockNode, name: string): boolean =>
  snapshots.some((snapshot) => snapshot.name === name);

const isKnownLive = async (live: QmpClient, disk: StoredDisk, name: string): Promise<boolean> => {
  const node = await findBlockNode(live, memberNode(disk));
  return node !== undefined && knows(node, name);
};

/**
 * Whether a running QEMU that has a disk open does not know a snapshot of it, which the file lists. It forgets one whose
 * deletion fails because the device is full: the list in memory is changed first. So does the undo within a failed
 * `transaction`.
 */
export const isForgottenLive = async (live: QmpClient, disk: StoredDisk, name: string): Promise<boolean> => {
  const node = await findBlockNode(live, memberNode(disk));
  return node !== undefined && !knows(node, name);
};

const deleteKnown = async (live: QmpClient, disk: StoredDisk, name: string): Promise<void> => {
  await live.execute(
    'blockdev-snapshot-delete-internal-sync',
    { device: memberNode(disk), name },
    { timeoutMs: TIMEOUT_MS },
  );
};

/**
 * Makes QEMU write the list of a disk's snapshots again, without those that it has forgotten. Their clusters leak until the
 * disk is repaired. Not by a snapshot of the forgotten name, which would pass for it if its own deletion failed.
 */
const rewriteList = async (live: QmpClient, disk: StoredDisk): Promise<void> => {
  if (!(await isKnownLive(live, disk, UNDO))) await createLiveSnapshot(live, [disk], UNDO);
  await deleteKnown(live, disk, UNDO);
};

/** Deletes one disk's snapshot, which its file lists: QMP `blockdev-snapshot-delete-internal-sync`. */
export const deleteLiveSnapshot = async (live: QmpClient, disk: StoredDisk, name: string): Promise<void> => {
  if (await isKnownLive(live, disk, name)) await deleteKnown(live, disk, name);
  else await rewriteList(live, disk);
};
