import { needsInTurn } from '../../helpers/needs.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { createPool, type TestPool, ZFS_PARTS, zfs } from '../../helpers/zfs.js';
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
  keepRoom: async (_, storage) => {
    const snapshot = `${backend.part(storage).dataset}/guests/${GUEST_ID}/disk-0@one`;
    await zfs('hold', 'keep', snapshot);
    return () => zfs('release', 'keep', snapshot);
  },
});
