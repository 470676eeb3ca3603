import type { QmpClient } from '../../qmp/client.js';

/** A part of QEMU's `BlockDeviceInfo` (qapi/block-core.json). */
export interface BlockNode {
  'node-name'?: string;
  image: {
    /** In bytes. */
    'virtual-size': number;
    snapshots?: { name: string }[];
  };
  'dirty-bitmaps'?: BlockBitmap[];
}

/** A part of QEMU's `BlockDirtyInfo`. */
export interface BlockBitmap {
  /** Absent for those that QEMU made for itself. */
  name?: string;
  recording: boolean;
  inconsistent?: boolean;
}

type Qemu = Pick<QmpClient, 'execute'>;

/** Lists all block nodes of a running QEMU, without those below them: QMP `query-named-block-nodes`. */
export const listBlockNodes = (qemu: Qemu): Promise<BlockNode[]> =>
  qemu.execute<BlockNode[]>('query-named-block-nodes', { flat: true });

/** Finds a block node of a running QEMU by its name. */
export const findBlockNode = async (qemu: Qemu, name: string): Promise<BlockNode | undefined> =>
  (await listBlockNodes(qemu)).find((node) => node['node-name'] === name);

/**
 * The name of the block node through which QEMU writes to a disk while the disk is backed up. Below it is the disk's own
 * node.
 */
export const backupNodeName = (number: number): string => `backup-disk${number}`;

const BACKUP_NODE = /^backup-disk\d+$/;

/** Whether disks of a running guest are open for a backup. */
export const isBackedUp = async (qemu: Qemu): Promise<boolean> =>
  (await listBlockNodes(qemu)).some((node) => BACKUP_NODE.test(node['node-name'] ?? ''));
