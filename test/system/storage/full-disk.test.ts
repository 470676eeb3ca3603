import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { holdDisk } from '../../helpers/disk-holder.js';
import { needsInTurn } from '../../helpers/needs.js';
import { qcow2Backend } from '../../helpers/qcow2-backend.js';
import { startTestStorage } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';
import { fullDiskSuite } from './suites/full-disk.js';

const SIZE_MB = 8;

fullDiskSuite({
  ...qcow2Backend,
  test: needsInTurn('qemu-img', 'qemu-io', 'qemu-nbd', 'mount', 'umount', 'root'),
  startSmall: async (t) => {
    const dir = join(await tempDir(t), 'small');
    await mkdir(dir);
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m`, 'tmpfs', dir]);
    t.teardown(async () => {
      await execa('umount', ['-l', dir]);
    });
    return { storage: await startTestStorage(t, dir), dir, tooMuchMb: 2 * SIZE_MB };
  },
  keepRoom: async (t, storage) => (await holdDisk(t, qcow2Backend.source(storage, 0))).stop,
});
