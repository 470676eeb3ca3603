import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import avaTest from 'ava';
import { STATE_FORMAT } from '../../../lib/files/state-format.js';
import { locateDisks } from '../../../lib/subagents/qemu/machine/disks.js';
import { requireNotMarked, writeRollbackMark } from '../../../lib/subagents/shared/rollback-mark.js';
import { startLiveGuest } from '../../helpers/live-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { missingParts } from '../../helpers/parts.js';
import {
  addImage,
  createGuest,
  openDownload,
  snapshotRequest,
  startTestStorage,
} from '../../helpers/storage.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';
import { wrapProgram } from '../../helpers/wrapped-program.js';
import { createPool, type TestPool, ZFS_PARTS, zfs } from '../../helpers/zfs.js';
import { zfsBackend } from '../../helpers/zfs-backend.js';
import { diskChangesSuite } from './suites/disk-changes.js';
import { disksSuite } from './suites/disks.js';
import { downloadSuite } from './suites/download.js';
import { imagesSuite } from './suites/images.js';
import { liveSuite } from './suites/live.js';
import { nvramSuite } from './suites/nvram.js';
import { recoverSuite } from './suites/recover.js';
import { severalDisksSuite } from './suites/several-disks.js';
import { snapshotsSuite } from './suites/snapshots.js';

let shared: TestPool | undefined;

const pool = (): TestPool => {
  if (!shared) throw new Error('the pool does not exist yet');
  return shared;
};

const PARTS = ['qemu-img', 'qemu-io', 'qemu-system-x86_64', ...ZFS_PARTS];
const test = needsInTurn(...PARTS);
const backend = zfsBackend(test, pool);

if (missingParts(...PARTS).length === 0) {
  avaTest.before(async () => {
    shared = await createPool();
  });
  avaTest.after.always(() => shared?.destroy());
}

test('refuses a pool of a newer version before it changes anything', async (t) => {
  const { dataset } = await backend.makePart(t);
  const start = () => startTestStorage(t, undefined, { backend: 'zfs', pool: dataset });
  const properties = () => zfs('get', '-H', '-s', 'local', 'all', dataset);
  await zfs('set', 'mistify:format=99', dataset);
  const before = await properties();
  await t.throwsAsync(start(), {
    message: new RegExp(`^${dataset}, property mistify:format, has format 99, from a newer version`),
  });
  t.deepEqual(await properties(), before);
  await zfs('inherit', 'mistify:format', dataset);
  await t.notThrowsAsync(start());
  t.regex(JSON.stringify(await properties()), new RegExp(`mistify:format.*${STATE_FORMAT}`));
});

imagesSuite(backend);
disksSuite(backend);
diskChangesSuite(backend);
snapshotsSuite(backend);
downloadSuite(backend);
liveSuite(backend);
nvramSuite(backend);
recoverSuite(backend);
severalDisksSuite({
  ...backend,
  breakRollback: (t) =>
    wrapProgram(
      t,
      'zfs',
      'if [[ "$1" == rollback && "$2" == */disk-1@* ]]; then echo "no luck" >&2; exit 1; fi',
    ),
});

const GUEST = `guests/${GUEST_ID}`;

test('names the foreign clone that keeps a snapshot from being destroyed', async (t) => {
  const storage = await backend.start(t);
  const { dataset } = backend.part(storage);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  for (const { source } of disks) await backend.io(source, 'write -P 1 0 1M');
  for (const dest of ['one', 'two']) await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
  await zfs('clone', `${dataset}/guests/${GUEST_ID}/disk-1@two`, `${dataset}/mine`);
  const message = `${dataset}/guests/${GUEST_ID}/disk-1@two has a clone, ${dataset}/mine: destroy that first`;
  const back = snapshotRequest(`${GUEST}@one`, { destroyMoreRecent: true });
  await t.throwsAsync(storage.call('RollbackSnapshot', back), { message });
  await t.throwsAsync(storage.call('DeleteSnapshot', snapshotRequest(`${GUEST}@two`)), { message });
  t.is((await storage.call('ListSnapshots', snapshotRequest(GUEST))).snapshots.length, 4);
  await zfs('destroy', `${dataset}/mine`).catch(() => zfs('destroy', `${dataset}/mine`));
  await t.notThrowsAsync(storage.call('RollbackSnapshot', back));
});

test('changes no disk while a snapshot of one of them is held', async (t) => {
  const storage = await backend.start(t);
  const { dataset } = backend.part(storage);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  const write = async (byte: number): Promise<void> => {
    for (const { source } of disks) await backend.io(source, `write -P ${byte} 0 1M`);
  };
  for (const [byte, dest] of [[1, 's1'] as const, [2, 's2'] as const]) {
    await write(byte);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
  }
  await write(3);
  const held = `${dataset}/guests/${GUEST_ID}/disk-1@s2`;
  await zfs('hold', 'keep', held);
  const message = new RegExp(`^${held} is held .*release it first: zfs release (TAG|keep) ${held}$`);
  const back = snapshotRequest(`${GUEST}@s1`, { destroyMoreRecent: true });
  await t.throwsAsync(storage.call('RollbackSnapshot', back), { message });
  await t.throwsAsync(storage.call('DeleteSnapshot', snapshotRequest(`${GUEST}@s2`)), { message });
  t.is((await storage.call('ListSnapshots', snapshotRequest(GUEST))).snapshots.length, 4);
  for (const { source } of disks) await t.notThrowsAsync(backend.io(source, 'read -P 3 0 1M'));
  await zfs('release', 'keep', held);
  await storage.call('RollbackSnapshot', back);
  for (const { source } of disks) await t.notThrowsAsync(backend.io(source, 'read -P 1 0 1M'));
});

test('a hold that comes in the middle of a rollback changes no disk and destroys no snapshot', async (t) => {
  const storage = await backend.start(t);
  const { dataset } = backend.part(storage);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  for (const { source } of disks) await backend.io(source, 'write -P 1 0 1M');
  for (const dest of ['s1', 's2']) await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
  for (const { source } of disks) await backend.io(source, 'write -P 2 0 1M');
  const held = `${dataset}/guests/${GUEST_ID}/disk-1@s2`;
  const mend = await wrapProgram(
    t,
    'zfs',
    `if [[ "$1" == destroy && ! -e /tmp/${GUEST_ID}.held ]]; then touch /tmp/${GUEST_ID}.held; PATH="\${PATH#*:}" zfs hold keep ${held}; fi`,
  );
  t.teardown(() => rm(`/tmp/${GUEST_ID}.held`, { force: true }));
  const back = snapshotRequest(`${GUEST}@s1`, { destroyMoreRecent: true });
  await t.throwsAsync(storage.call('RollbackSnapshot', back), { message: /busy/ });
  mend();
  t.is((await storage.call('ListSnapshots', snapshotRequest(GUEST))).snapshots.length, 4);
  for (const { source } of disks) await t.notThrowsAsync(backend.io(source, 'read -P 2 0 1M'));
  await t.notThrowsAsync(
    requireNotMarked(
      GUEST_ID,
      disks.map(({ source }) => source),
    ),
  );
  await zfs('release', 'keep', held);
  await t.notThrowsAsync(storage.call('RollbackSnapshot', back));
});

test('reports what remains of a deleted guest and why, and destroys it once possible', async (t) => {
  const storage = await backend.start(t);
  const { dataset } = backend.part(storage);
  const guest = `${dataset}/guests/${GUEST_ID}`;
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  for (const { source } of disks) await backend.io(source, 'write -P 1 0 1M');
  await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's1' }));
  await zfs('hold', 'keep', `${guest}/disk-1@s1`);
  const { message } = await storage.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
  t.regex(
    message ?? '',
    new RegExp(
      `^${guest} still takes [0-9.]+ MB: ${guest}/disk-1@s1 is held .*release it first: zfs release`,
    ),
  );
  await t.throwsAsync(createGuest(storage, [{ size: 1 }]), {
    message: /is deleted, but still there: .*disk-1@s1 is held/,
  });
  await zfs('release', 'keep', `${guest}/disk-1@s1`);
  await t.notThrowsAsync(createGuest(storage, [{ size: 1 }]));
  t.is((await storage.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } })).message, undefined);
});

test('reports what remains of a deleted image and why', async (t) => {
  const storage = await backend.start(t);
  const { dataset } = backend.part(storage);
  await addImage(storage, 'os');
  await zfs('hold', 'keep', `${dataset}/images/os@image`);
  const { message } = await storage.call('DeleteImage', { id: 'os' });
  t.regex(message ?? '', /images\/os still takes .*: .*images\/os@image is held/);
  t.deepEqual((await storage.call('ListImages', { id: '' })).images, []);
  await zfs('release', 'keep', `${dataset}/images/os@image`);
});

test('rejects deleting an image with a foreign clone', async (t) => {
  const storage = await backend.start(t);
  const { dataset } = backend.part(storage);
  await addImage(storage, 'os');
  await zfs('clone', `${dataset}/images/os@image`, `${dataset}/mine`);
  await t.throwsAsync(storage.call('DeleteImage', { id: 'os' }), {
    message: `image os is in use: ${dataset}/mine is a clone of it`,
  });
});

test('a guest deleted during a download can be created again after it', async (t) => {
  const storage = await backend.start(t);
  await createGuest(storage, [{ size: 64 }]);
  await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
  const response = await openDownload(storage.port, `${GUEST}@one`);
  await storage.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
  await t.throwsAsync(createGuest(storage, [{ size: 1 }]), {
    message: /is deleted, but still there: a download still reads it/,
  });
  response.destroy();
  const make = (): Promise<boolean> =>
    createGuest(storage, [{ size: 1 }])
      .then(() => true)
      .catch(() => false);
  t.true(await until('the guest is created', make));
  t.deepEqual((await backend.contents(storage)).work, []);
});

test('the qemu sub-agent accepts the disks when its --disk-dir is the directory of the guests', async (t) => {
  const storage = await backend.start(t);
  const disks = await createGuest(storage, [{ size: 1 }]);
  const [image] = await locateDisks(GUEST_ID, disks, [join(backend.part(storage).mountpoint, 'guests')]);
  t.deepEqual(image, { filename: backend.source(storage, 0), format: 'raw', protocol: 'file' });
});

test('does not start without a mounted pool', async (t) => {
  const start = (name: string) => startTestStorage(t, undefined, { backend: 'zfs', pool: name });
  await t.throwsAsync(start('no-such-pool'), { message: /^ZFS pool or dataset no-such-pool does not exist/ });
  await t.throwsAsync(start(''), { message: /name it with --pool/ });
  const { dataset } = await backend.makePart(t);
  await zfs('set', 'mountpoint=none', dataset);
  await t.throwsAsync(start(dataset), { message: /has the mountpoint none: give it a directory/ });
});

test('mounts unmounted disks at the next start', async (t) => {
  const storage = await backend.start(t);
  const disks = await createGuest(storage, [{ size: 1 }]);
  const guest = `${backend.part(storage).dataset}/guests/${GUEST_ID}`;
  for (const dataset of [`${guest}/disk-0`, guest]) await zfs('unmount', dataset);
  const { call } = await backend.startAgain(t, storage);
  await t.notThrowsAsync(call('VerifyDisks', { guest: { id: GUEST_ID, disks } }));
});

test('the qemu sub-agent finds the mark of a guest whose disks are volumes', async (t) => {
  const storage = await backend.start(t);
  await createGuest(storage, [{ size: 1 }]);
  const { dataset, mountpoint } = backend.part(storage);
  const volume = `/dev/zvol/${dataset}/guests/${GUEST_ID}/disk-0`;
  await t.notThrowsAsync(requireNotMarked(GUEST_ID, [volume]));
  await writeRollbackMark(join(mountpoint, 'guests', GUEST_ID), 'its disks are torn');
  await t.throwsAsync(requireNotMarked(GUEST_ID, [volume]), {
    message: `guest ${GUEST_ID} does not start: its disks are torn`,
  });
});

test('rejects rolling back a disk that an unknown QEMU has open', async (t) => {
  const storage = await backend.start(t);
  const disks = await createGuest(storage, [{ size: 1 }]);
  await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
  const { stop } = await startLiveGuest(t, { ...storage, runDir: await tempDir(t) }, disks);
  const back = (): Promise<unknown> => storage.call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`));
  await t.throwsAsync(back, {
    message: /disk-0 is open by qemu-system-x86_64 \(process \d+\): stop that first$/,
  });
  await stop();
  await t.notThrowsAsync(back);
});

test('rejects a dataset that another agent’s store has or contains, as long as that agent’s state exists', async (t) => {
  const own = await backend.start(t);
  const { dataset } = backend.part(own);
  const start = (name: string) => startTestStorage(t, undefined, { backend: 'zfs', pool: name });
  await zfs('create', `${dataset}/guests/deep`);
  for (const taken of [dataset, `${dataset}/guests`, `${dataset}/guests/deep`])
    await t.throwsAsync(start(taken), {
      message: `the ZFS dataset ${dataset} belongs to another agent of this host (${own.dir}): give this one a dataset of its own with --pool, or, if that agent is gone, run zfs inherit mistify:owner ${dataset}`,
    });
  await zfs('create', `${dataset}/other`);
  const beside = await start(`${dataset}/other`);
  await own.close();
  await t.throwsAsync(start(dataset), { message: /belongs to another agent of this host/ });
  await beside.close();
  await t.throwsAsync(start(`${dataset}/other`), { message: /other belongs to another agent/ });
  await t.notThrowsAsync(backend.startAgain(t, own));
  await rm(own.dir, { recursive: true });
  await t.notThrowsAsync(start(dataset));
});
