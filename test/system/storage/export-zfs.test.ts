import avaTest from 'ava';
import { exportTo, importFrom } from '../../helpers/exports.js';
import { needsInTurn } from '../../helpers/needs.js';
import { missingParts } from '../../helpers/parts.js';
import { createGuest, qemuIo, startTestStorage } from '../../helpers/storage.js';
import { createPool, type TestPool, ZFS_PARTS } from '../../helpers/zfs.js';
import { zfsBackend } from '../../helpers/zfs-backend.js';
import { exportSuite } from './suites/export.js';
import { importSuite } from './suites/import.js';
import { ovaSuite } from './suites/ova.js';

let shared: TestPool | undefined;

const pool = (): TestPool => {
  if (!shared) throw new Error('the pool does not exist yet');
  return shared;
};

const PARTS = ['qemu-img', 'qemu-io', 'qemu-system-x86_64', ...ZFS_PARTS];

if (missingParts(...PARTS).length === 0) {
  avaTest.before(async () => {
    shared = await createPool();
  });
  avaTest.after.always(() => shared?.destroy());
}

const backend = zfsBackend(needsInTurn(...PARTS), pool);

exportSuite(backend);
importSuite(backend);
ovaSuite(backend);

needsInTurn(...PARTS, 'nbdcopy')(
  'a guest of qcow2 files becomes one in a pool, and comes back',
  async (t) => {
    const files = await startTestStorage(t);
    const disks = await createGuest(files, [{ size: 3 }, { size: 50 }]);
    await qemuIo(disks[1]?.source ?? '', 'write -P 0x42 49M 512k');
    const there = await backend.start(t);
    const first = await importFrom(there, await exportTo(t, files, { disks }));
    t.is(first.status, 200, first.message);
    const { guest, token } = first.result;
    const moved = await there.call('AdoptImport', { guest, change: { token, notes: [] } });
    await t.notThrowsAsync(backend.io(moved.guest.disks[1]?.source ?? '', 'read -P 0x42 49M 512k'));
    const back = await importFrom(files, await exportTo(t, there, moved.guest));
    t.is(back.status, 200, back.message);
    t.deepEqual(
      back.result.guest.disks?.map(({ size }) => size),
      [3, 50],
    );
  },
);
