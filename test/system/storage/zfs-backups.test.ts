import avaTest, { type ExecutionContext } from 'ava';
import type { Disk } from '../../../lib/model/guest.js';
import { openTestBackup, openTestRestore, readWhole, writeWhole } from '../../helpers/backups.js';
import { startLiveGuest } from '../../helpers/live-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { missingParts } from '../../helpers/parts.js';
import { createGuest, snapshotRequest, type TestStorage } from '../../helpers/storage.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { createPool, type TestPool, ZFS_PARTS, zfs } from '../../helpers/zfs.js';
import { zfsBackend } from '../../helpers/zfs-backend.js';

const PARTS = [
  ...['qemu-img', 'qemu-io', 'qemu-nbd', 'nbdcopy', 'python3', 'qemu-system-x86_64'],
  ...ZFS_PARTS,
];
const test = needsInTurn(...PARTS);
let pool: TestPool | undefined;
const backend = zfsBackend(test, () => pool as TestPool);

if (missingParts(...PARTS).length === 0) {
  avaTest.before(async () => {
    pool = await createPool();
  });
  avaTest.after.always(() => pool?.destroy());
}

const GUEST = `guests/${GUEST_ID}`;
const MB = 2 ** 20;
const WHOLE = 'the disks are in ZFS, which has no list of changed blocks';

const startHost = async (t: ExecutionContext): Promise<TestStorage & { disks: Disk[]; scratch: string }> => {
  const storage = await backend.start(t);
  const disks = await createGuest(storage, [{ size: 2 }, { size: 2 }]);
  for (const { source } of disks) await backend.io(source, 'write -P 1 0 1M');
  return { ...storage, disks, scratch: await tempDir(t) };
};

const EXPECTED = Buffer.alloc(2 * MB).fill(1, 0, MB);

/** Lists what only backups and restores have in the pool. */
const leftovers = async (storage: TestStorage): Promise<string[]> =>
  (await zfs('list', '-H', '-r', '-t', 'all', '-o', 'name', backend.part(storage).dataset))
    .split('\n')
    .filter((name) => /mistify:|tmp\//.test(name));

test('a backup has what the disks of a running guest had at one instant', async (t) => {
  const host = await startHost(t);
  const guest = await startLiveGuest(t, host, host.disks);
  const { source, close } = await openTestBackup(host);
  for (const disk of host.disks.keys()) await guest.io(disk, 'write -P 2 0 2M');
  t.deepEqual(
    source.disks.map(({ whole, size }) => [whole, size]),
    [
      [WHOLE, 2 * MB],
      [WHOLE, 2 * MB],
    ],
  );
  for (const disk of source.disks) t.true(EXPECTED.equals(await readWhole(host.scratch, disk)));
  t.deepEqual((await host.call('ListSnapshots', snapshotRequest(GUEST))).snapshots, []);
  await close();
  t.deepEqual(await leftovers(host), []);
  await guest.stop();
});

test('a guest that is off may start while it is backed up', async (t) => {
  const host = await startHost(t);
  const { source, close } = await openTestBackup(host);
  const guest = await startLiveGuest(t, host, host.disks);
  await guest.io(1, 'write -P 2 0 2M');
  for (const disk of source.disks) t.true(EXPECTED.equals(await readWhole(host.scratch, disk)));
  await close('failed');
  t.deepEqual(await leftovers(host), []);
  await guest.stop();
});

test('ends at its start what another process has left of a backup', async (t) => {
  const host = await startHost(t);
  await openTestBackup(host);
  const again = await backend.startAgain(t, host);
  t.deepEqual(await leftovers(again), []);
});

test('a guest whose backup is open can be deleted', async (t) => {
  const host = await startHost(t);
  const { close } = await openTestBackup(host);
  await host.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
  t.deepEqual((await backend.contents(host)).guests, []);
  await close();
});

for (const [outcome, byte] of [
  ['succeeded', 7],
  ['failed', 1],
] as const)
  test(`after a restore that has ${outcome} the disks have what they should`, async (t) => {
    const host = await startHost(t);
    const { target, close } = await openTestRestore(host, [
      { disk: '0', size: 2 * MB },
      { disk: '1', size: 2 * MB },
    ]);
    for (const disk of target.disks) await writeWhole(host.scratch, disk, Buffer.alloc(2 * MB, 7));
    await close(outcome);
    for (const { source } of host.disks)
      await t.notThrowsAsync(backend.io(source, `read -P ${byte} 0 1M`) as Promise<unknown>);
    t.deepEqual(await leftovers(host), []);
  });
