import { diskNumber } from '../../../model/disks.js';
import { listBlockNodes } from '../../shared/block-nodes.js';
import { diskNodeName } from '../../shared/guest-run-dir.js';
import type { Entry } from '../guests/entry.js';
import type { Watch } from '../guests/watch.js';

/**
 * Tells a guest that was resumed how large its disks are, in case they have grown since: QMP `block_resize`, which notifies
 * it even of the size that a disk has already.
 */
export const announceSizes = async ({ record: { definition } }: Entry, watch: Watch): Promise<void> => {
  const names = new Set(definition.disks.map((disk, index) => diskNodeName(diskNumber(disk, index))));
  for (const { 'node-name': name, image } of await listBlockNodes(watch))
    if (name !== undefined && names.has(name))
      await watch.execute('block_resize', { 'node-name': name, size: image['virtual-size'] });
};
