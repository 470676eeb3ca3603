import type { QmpClient } from '../../../qmp/client.js';
import { findBlockNode } from '../../shared/block-nodes.js';
import { diskNodeName } from '../../shared/guest-run-dir.js';
import type { Bitmaps, StoredDisk } from '../stored.js';
import { GRANULARITY } from './bitmaps.js';

/** QEMU may first have to finish other writes. */
const TIMEOUT_MS = 60_000;

/** The bitmaps of a running guest's disks: QMP `block-dirty-bitmap-…`. */
export const liveBitmaps = (live: QmpClient): Bitmaps => {
  const change = async (action: string, { index }: StoredDisk, more: object): Promise<void> => {
    const args = { node: diskNodeName(index), ...more };
    await live.execute(`block-dirty-bitmap-${action}`, args, { timeoutMs: TIMEOUT_MS });
  };
  return {
    list: async ({ index }) => {
      const node = await findBlockNode(live, diskNodeName(index));
      return (node?.['dirty-bitmaps'] ?? []).flatMap(({ name, recording, inconsistent = false }) =>
        name === undefined ? [] : [{ name, isLost: inconsistent, isRecording: recording }],
      );
    },
    add: (disk, name) => change('add', disk, { name, persistent: true, granularity: GRANULARITY }),
    merge: (disk, target, from) => change('merge', disk, { target, bitmaps: [from] }),
    enable: (disk, name) => change('enable', disk, { name }),
    remove: (disk, name) => change('remove', disk, { name }),
  };
};
