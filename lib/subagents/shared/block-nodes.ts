import type { QmpClient } from '../../qmp/client.js';

/** A part of QEMU's `BlockDeviceInfo` (qapi/block-core.json). */
export interface BlockNode {
  'node-name'?: string;
  image: {
    /** In bytes. */
    'virtual-size': number;
    snapshots?: { name: string }[];
  };
}

/** Lists all block nodes of a running QEMU, without those below them: QMP `query-named-block-nodes`. */
export const listBlockNodes = (qemu: Pick<QmpClient, 'execute'>): Promise<BlockNode[]> =>
  qemu.execute<BlockNode[]>('query-named-block-nodes', { flat: true });

/** Finds a block node of a running QEMU by its name. */
export const findBlockNode = async (
  qemu: Pick<QmpClient, 'execute'>,
  name: string,
): Promise<BlockNode | undefined> => (await listBlockNodes(qemu)).find((node) => node['node-name'] === name);
