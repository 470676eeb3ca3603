import type { QmpClient } from '../../qmp/client.js';
import { diskNodeName } from '../shared/guest-run-dir.js';
import type { StoredDisk } from './disk-store.js';

/** A part of QEMU's `BlockDeviceInfo`. */
interface BlockNode {
  'node-name'?: string;
  image: { 'virtual-size': number };
}

/** Long enough for a QEMU that first has to finish other writes. */
const TIMEOUT_MS = 60_000;

/**
 * Returns the bytes of a running guest's disk: QMP `query-named-block-nodes`.
 * @throws when QEMU does not have it
 */
export const liveBytes = async (live: QmpClient, { index, volume }: StoredDisk): Promise<number> => {
  const nodes = await live.execute<BlockNode[]>('query-named-block-nodes', { flat: true });
  const node = nodes.find((each) => each['node-name'] === diskNodeName(index));
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
