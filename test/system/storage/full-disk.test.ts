import { holdDisk } from '../../helpers/disk-holder.js';
import { needsInTurn } from '../../helpers/needs.js';
import { qcow2Backend } from '../../helpers/qcow2-backend.js';
import { mountSmall } from '../../helpers/small-disk.js';
import { startTestStorage } from '../../helpers/storage.js';
import { fullDiskSuite } from './suites/full-disk.js';

const SIZE_MB = 8;

fullDiskSuite({
  ...qcow2Backend,
  test: needsInTurn('qemu-img', 'qemu-io', 'qemu-nbd', 'mount', 'umount', 'root'),
  startSmall: async (t) => {
    const dir = await mountSmall(t, SIZE_MB);
    return { storage: await startTestStorage(t, dir), dir, tooMuchMb: 2 * SIZE_MB };
  },
  keepRoom: async (t, storage) => (await holdDisk(t, qcow2Backend.source(storage, 0))).stop,
});
