import type { QmpClient } from '../../qmp/client.js';
import { findBlockNode } from '../shared/block-nodes.js';
import { diskNodeName } from '../shared/guest-run-dir.js';
import type { StoredDisk } from './stored.js';

/** Long enough for a QEMU that first has to finish other writes. */
const TIMEOUT_MS = 60_000;

/**
 * Returns the bytes of a running guest's disk.
 * @throws when QEMU does not have it
 */
export const liveBytes = async (live: QmpClient, { index, volume }: StoredDisk): Promise<number> => {
  const node = await findBlockNode(live, diskNodeName(index));
  if (!node) throw new Error(`the guest's QEMU does not have disk ${index} (${volume})`);
  return node.image['virtual-size'];
};

/**
 * Grows a running guest's disk, which the guest sees at once: QMP `block_resize`. QEMU would also make it smaller, without
 * asking.
 */
export const growLive = async (live: QmpClient, disk: StoredDisk, bytes: number): Promise<void> => {
  if ((await liveBytes(live, disk)) >= bytes) return;
  await live.execute(
    'block_resize',
    { 'node-name': diskNodeName(disk.index), size: bytes },
    { timeoutMs: TIMEOUT_MS },
  );
};
