import { join } from 'node:path';
import avaTest from 'ava';
import { locateDisks } from '../../../lib/subagents/qemu/machine/disks.js';
import { startLiveGuest } from '../../helpers/live-guest.js';
import { missingParts, needsInTurn } from '../../helpers/needs.js';
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
import { createPool, type TestPool, ZFS_PARTS, zfs } from '../../helpers/zfs.js';
import { zfsBackend } from '../../helpers/zfs-backend.js';
import { disksSuite } from './suites/disks.js';
import { downloadSuite } from './suites/download.js';
import { imagesSuite } from './suites/images.js';
import { liveSuite } from './suites/live.js';
import { recoverSuite } from './suites/recover.js';
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

imagesSuite(backend);
disksSuite(backend);
snapshotsSuite(backend);
downloadSuite(backend);
liveSuite(backend);
recoverSuite(backend);

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
    message: /is deleted, but a download still reads it/,
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
  const { dataset } = await backend.makePart();
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

test('rejects rolling back a disk that an unknown QEMU has open', async (t) => {
  const storage = await backend.start(t);
  const disks = await createGuest(storage, [{ size: 1 }]);
  await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
  const { stop } = await startLiveGuest(t, { ...storage, runDir: await tempDir(t) }, disks);
  const back = (): Promise<unknown> => storage.call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`));
  await t.throwsAsync(back, { message: /in use by an unknown process/ });
  await stop();
  await t.notThrowsAsync(back);
});
