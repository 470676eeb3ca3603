import { needsInTurn } from '../../helpers/needs.js';
import { createPool, type TestPool, ZFS_PARTS } from '../../helpers/zfs.js';
import { zfsBackend } from '../../helpers/zfs-backend.js';
import { fullDiskSuite } from './suites/full-disk.js';

/** The minimum size of a pool. */
const SIZE_MB = 64;

let small: TestPool | undefined;
const backend = zfsBackend(needsInTurn('qemu-img', 'qemu-io', ...ZFS_PARTS), () => small as TestPool);

fullDiskSuite({
  ...backend,
  startSmall: async (t) => {
    const pool = await createPool(SIZE_MB);
    t.teardown(pool.destroy);
    small = pool;
    const storage = await backend.start(t);
    return { storage, dir: pool.mountpoint, tooMuchMb: 2 * SIZE_MB };
  },
});
