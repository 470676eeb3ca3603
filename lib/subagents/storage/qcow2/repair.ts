import { LONG_TIMEOUT_MS, qemuImg } from '../qemu-img.js';
import type { StoredDisk } from '../stored.js';
import { withGuestFile } from './guest-file.js';
import type { Qcow2Layout } from './layout.js';

/** Corrects refcounts: qcow2 orders its writes so that a crash leaves them too high at worst. */
export const repairFile = (layout: Qcow2Layout, disk: StoredDisk): Promise<void> =>
  withGuestFile(layout, disk, 'write', async ({ standalone, gid, files }) => {
    await qemuImg(['check', '-q', '-r', 'all', standalone()], { timeoutMs: LONG_TIMEOUT_MS, gid, files });
  });
