import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Backend } from '../../../helpers/backends.js';
import {
  addImage,
  createGuest,
  serveHttp,
  snapshotRequest,
  type TestStorage,
} from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';

const MB = 2 ** 20;
const GUEST = `guests/${GUEST_ID}`;

/** A back end whose stores can be made on a device with little room. */
export interface SmallBackend extends Backend {
  /** @returns also a directory on that device, and MB that it has less room than */
  startSmall: (t: ExecutionContext) => Promise<{ storage: TestStorage; dir: string; tooMuchMb: number }>;
}

/** Takes all the room there is. */
const fillUp = async (dir: string): Promise<string> => {
  const path = join(dir, 'ballast');
  for (const size of ['bs=256k', 'bs=4k'])
    await execa('dd', ['if=/dev/zero', `of=${path}`, size, 'oflag=append', 'conv=notrunc,fsync'], {
      reject: false,
    });
  return path;
};

/** What is true when the device is full, whatever the back end. */
export const fullDiskSuite = (backend: SmallBackend): void => {
  const { test } = backend;

  test('a fetch for which there is no room says so, leaves nothing and harms nothing', async (t) => {
    const { storage, tooMuchMb } = await backend.startSmall(t);
    await addImage(storage, 'there', 0x21);
    const bytes = Buffer.alloc(tooMuchMb * MB, 1);
    const url = await serveHttp(t, (_, response) => void response.end(bytes));
    const request = { id: 'big', type: '', dest: '', source: `${url}/big` };
    await t.throwsAsync(storage.call('RequestImage', request), {
      message: /^image big: no space left on the device of .*: make room/,
    });
    t.deepEqual(await backend.contents(storage), { images: ['there'], guests: [], work: [] });
    await t.notThrowsAsync(backend.imageIo(storage, 'there', 'read -P 0x21 0 1M'));
  });

  test('disks for which there is no room say so, and can be made once there is', async (t) => {
    const { storage, dir } = await backend.startSmall(t);
    const ballast = await fillUp(dir);
    await t.throwsAsync(createGuest(storage, [{ size: 1 }]), { message: /no space left/ });
    await truncate(ballast, 0);
    t.like(await backend.contents(storage), { guests: [], work: [] });
    t.is((await createGuest(storage, [{ size: 1 }])).length, 1);
  });

  test('a snapshot for which there is no room says so, and what was there is unharmed', async (t) => {
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

  test('a snapshot can be deleted to make room', async (t) => {
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
};
