import { GRANULARITY } from '../backups/bitmaps.js';
import { explainInUse } from '../open-disks.js';
import { qemuImg, readOpenInfo } from '../qemu-img.js';
import type { Bitmaps, StoredDisk } from '../stored.js';
import { withGuestFile } from './guest-file.js';
import type { Qcow2Layout } from './layout.js';

/** The flags of a bitmap in a qcow2 file: docs/interop/qcow2.txt of QEMU, "Bitmap directory". */
const IN_USE = 'in-use';
const AUTO = 'auto';

/** The bitmaps of a stopped guest's disks: qemu-img(1), `bitmap`. */
export const qcow2Bitmaps = (layout: Qcow2Layout): Bitmaps => {
  const change = async (disk: StoredDisk, name: string, ...options: string[]): Promise<void> => {
    const run = withGuestFile(layout, disk, 'write', ({ standalone, gid, files }) =>
      qemuImg(['bitmap', ...options, standalone(), name], { gid, files }),
    );
    await run.catch(async (error: unknown) => {
      throw await explainInUse(disk, error);
    });
  };
  return {
    list: (disk) =>
      withGuestFile(layout, disk, 'read', async ({ standalone, ...file }) => {
        const info = await readOpenInfo(standalone(), file);
        return (info['format-specific']?.data?.bitmaps ?? []).map(({ name, flags }) => ({
          name,
          isLost: flags.includes(IN_USE),
          isRecording: flags.includes(AUTO),
        }));
      }),
    add: (disk, name) => change(disk, name, '--add', '-g', `${GRANULARITY}`),
    merge: (disk, into, from) => change(disk, into, '--merge', from),
    enable: (disk, name) => change(disk, name, '--enable'),
    remove: (disk, name) => change(disk, name, '--remove'),
  };
};

/**
 * Removes all bitmaps of a stopped guest's disk: QEMU does not roll back a disk that has any, and they would not be right
 * afterwards. The next backup then reads all of the disk.
 */
export const removeAllBitmaps = async (layout: Qcow2Layout, disk: StoredDisk): Promise<void> => {
  const bitmaps = qcow2Bitmaps(layout);
  for (const { name } of await bitmaps.list(disk)) await bitmaps.remove(disk, name);
};
