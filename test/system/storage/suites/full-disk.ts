import { truncate } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import type { Backend } from '../../../helpers/backends.js';
import { asDisk } from '../../../helpers/raw-disk.js';
import { fillUp } from '../../../helpers/small-disk.js';
import {
  addImage,
  createGuest,
  serveHttp,
  snapshotRequest,
  type TestStorage,
} from '../../../helpers/storage.js';
import { callMethod, GUEST_ID } from '../../../helpers/sub-agents.js';

const MB = 2 ** 20;
const GUEST = `guests/${GUEST_ID}`;
const OTHER_ID = '0b8a7c1e-3f55-4a55-8a34-5f2f3a3e7f01';

/** A back end that can create a store on a small device. */
export interface SmallBackend extends Backend {
  /** @returns also a directory on the device, and a number of MB that do not fit on it */
  startSmall: (t: ExecutionContext) => Promise<{ storage: TestStorage; dir: string; tooMuchMb: number }>;
  /**
   * Keeps the room of the test guest's disk from being freed when the guest is deleted.
   * @returns a function that lets it be freed
   */
  keepRoom: (t: ExecutionContext, storage: TestStorage) => Promise<() => Promise<unknown>>;
}

/** Operations on a full device, for every back end. */
export const fullDiskSuite = (backend: SmallBackend): void => {
  const { test } = backend;

  test('a fetch that does not fit says so, leaves nothing behind and harms no other data', async (t) => {
    const { storage, tooMuchMb } = await backend.startSmall(t);
    await addImage(storage, 'there', 0x21);
    const bytes = asDisk(Buffer.alloc(tooMuchMb * MB, 1));
    const url = await serveHttp(t, (_, response) => void response.end(bytes));
    const request = { id: 'big', type: '', dest: '', source: `${url}/big` };
    await t.throwsAsync(storage.call('RequestImage', request), {
      message: /^image big: no space left on the device of .*: make room/,
    });
    t.deepEqual(await backend.contents(storage), { images: ['there'], guests: [], work: [] });
    await t.notThrowsAsync(backend.imageIo(storage, 'there', 'read -P 0x21 0 1M'));
  });

  test('creating disks on a full device says so, and succeeds once there is room', async (t) => {
    const { storage, dir } = await backend.startSmall(t);
    const ballast = await fillUp(dir);
    await t.throwsAsync(createGuest(storage, [{ size: 1 }]), { message: /no space left/ });
    const request = { guest: { id: GUEST_ID, disks: [{ size: 1 }] }, action: 'create' };
    t.like(await callMethod(storage.port, 'ImageStore.CreateGuestDisks', request), { kind: 'no_space' });
    await truncate(ballast, 0);
    t.like(await backend.contents(storage), { guests: [], work: [] });
    t.is((await createGuest(storage, [{ size: 1 }])).length, 1);
  });

  test('a snapshot on a full device says so and harms no other data', async (t) => {
    const { storage, dir } = await backend.startSmall(t);
    const { call } = storage;
    const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    for (const { source } of disks) await backend.io(source, 'write -P 0x31 0 1M');
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'before' }));
    const ballast = await fillUp(dir);
    await t.throwsAsync(call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'full' })), {
      message: /no space left/,
    });
    for (const { source } of disks) await t.notThrowsAsync(backend.io(source, 'read -P 0x31 0 1M'));
    await truncate(ballast, 0);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'after' }));
    const { snapshots } = await call('ListSnapshots', snapshotRequest(GUEST));
    t.deepEqual(
      snapshots.map(({ id }) => id.split('/disk-')[1]),
      ['0@before', '0@after', '1@before', '1@after'],
    );
    await t.notThrowsAsync(call('VerifyDisks', { guest: { id: GUEST_ID, disks } }));
  });

  test('a snapshot can be deleted on a full device', async (t) => {
    const { storage, dir } = await backend.startSmall(t);
    const { call } = storage;
    const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    for (const { source } of disks) await backend.io(source, 'write -P 0x31 0 1M');
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const ballast = await fillUp(dir);
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`));
    t.deepEqual((await call('ListSnapshots', snapshotRequest(GUEST))).snapshots, []);
    for (const { source } of disks) await t.notThrowsAsync(backend.io(source, 'read -P 0x31 0 1M'));
    await truncate(ballast, 0);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    await t.notThrowsAsync(call('VerifyDisks', { guest: { id: GUEST_ID, disks } }));
  });

  test('the error of a full device names the leftovers of deleted guests', async (t) => {
    const { storage, dir } = await backend.startSmall(t);
    const { call } = storage;
    const [disk] = await createGuest(storage, [{ size: 1 }]);
    await backend.io(disk?.source ?? '', 'write -P 0x31 0 1M');
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const release = await backend.keepRoom(t, storage);
    await call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
    const ballast = await fillUp(dir);
    const { free, leftovers } = await call('Space', { leftovers: true });
    t.true(free <= 1);
    t.regex(leftovers.join(), / still takes [0-9.]+ MB: .* (is held|is open by qemu-nbd)/);
    t.deepEqual((await call('Space', {})).leftovers, []);
    await t.throwsAsync(createGuest(storage, [{ size: 1 }], OTHER_ID), {
      message:
        /no space left .* then try again; .*\d.* still takes [0-9.]+ MB: .* (is held|is open by qemu-nbd)/,
    });
    await release();
    await truncate(ballast, 0);
  });
};
