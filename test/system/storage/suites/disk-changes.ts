import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import type { Disk } from '../../../../lib/model/guest.js';
import type { Backend } from '../../../helpers/backends.js';
import { holdDisk } from '../../../helpers/disk-holder.js';
import { startLiveGuest } from '../../../helpers/live-guest.js';
import {
  addImage,
  createGuest,
  type StorageResult,
  snapshotRequest,
  type TestStorage,
} from '../../../helpers/storage.js';
import { callMethod, GUEST_ID } from '../../../helpers/sub-agents.js';

const GUEST = `guests/${GUEST_ID}`;

/** Changes the disks of the guest, in a job of its own, and returns what the agent would store. */
const changeDisks = async (
  { port }: TestStorage,
  method: string,
  disks: Disk[],
  change: object,
  job: string = randomUUID(),
): Promise<StorageResult> => {
  const request = { guest: { id: GUEST_ID, disks }, action: 'change', change };
  const { result, error } = await callMethod(port, `ImageStore.${method}`, request, {
    ...{ job, stage: 0, attempt: 1 },
  });
  if (error) throw new Error(error);
  return result as unknown as StorageResult;
};

const sourceOf = (disks: Disk[], number: number): string =>
  disks.find((disk) => disk.number === number)?.source ?? '';

/** Adding, growing and removing the disks of a guest that exists, for every back end. */
export const diskChangesSuite = (backend: Backend): void => {
  const { test } = backend;

  /** A guest with the content 0x11, from an image, and 0x22. */
  const startGuest = async (t: ExecutionContext): Promise<TestStorage & { disks: Disk[] }> => {
    const storage = await backend.start(t);
    await addImage(storage, 'os', 0x11);
    const disks = await createGuest(storage, [{ image: 'os' }, { size: 1 }]);
    await backend.io(disks[1]?.source ?? '', 'write -P 0x22 0 1M');
    return { ...storage, disks };
  };

  const snapshot = (storage: TestStorage, dest: string, disk = ''): Promise<unknown> =>
    storage.call('CreateSnapshot', snapshotRequest(`${GUEST}${disk}`, { dest }));

  test('adds a disk with a number of its own, and leaves the others unchanged', async (t) => {
    const storage = await startGuest(t);
    const { guest } = await changeDisks(storage, 'AddDisk', storage.disks, {
      disk: { image: 'os', size: 3 },
    });
    t.deepEqual(
      guest.disks.map(({ number, volume, size }) => ({ number, volume, size })),
      [1, 1, 3].map((size, number) => ({ number, volume: `${GUEST}/disk-${number}`, size })),
    );
    t.deepEqual(
      guest.disks.slice(0, 2).map(({ number: _, ...disk }) => disk),
      storage.disks,
    );
    await t.notThrowsAsync(backend.io(sourceOf(guest.disks, 2), 'read -P 0x11 0 1M'));
    await t.notThrowsAsync(backend.io(sourceOf(guest.disks, 1), 'read -P 0x22 0 1M'));
  });

  test('finds the disk that an interrupted job has added', async (t) => {
    const storage = await startGuest(t);
    const add = (job: string): Promise<StorageResult> =>
      changeDisks(storage, 'AddDisk', storage.disks, { disk: { size: 2 } }, job);
    const [first, again] = [await add('one'), await add('one')];
    t.deepEqual(again, first);
    t.is((await add('two')).guest.disks.at(-1)?.number, 3);
  });

  test('removes what a failed job has added, and nothing when it has added nothing', async (t) => {
    const storage = await startGuest(t);
    const { guest } = await changeDisks(storage, 'AddDisk', storage.disks, { disk: { size: 2 } }, 'failed');
    const undo = (disks: Disk[]): Promise<StorageResult> =>
      changeDisks(storage, 'RemoveDisk', disks, { addedBy: 'failed' });
    t.is((await undo(guest.disks)).guest.disks.length, 2);
    t.is((await undo(guest.disks)).guest.disks.length, 2);
    t.deepEqual((await undo(storage.disks)).guest.disks, storage.disks);
  });

  test('deletes the data of a removed disk, and does not give its number to another one', async (t) => {
    const storage = await startGuest(t);
    const removed = await changeDisks(storage, 'RemoveDisk', storage.disks, { disk: 0 });
    t.is(removed.message, 'disk 0 and its data are deleted');
    t.deepEqual(
      removed.guest.disks.map(({ number }) => number),
      [1],
    );
    t.deepEqual((await backend.contents(storage)).work, []);
    await t.notThrowsAsync(backend.io(sourceOf(removed.guest.disks, 1), 'read -P 0x22 0 1M'));
    const again = await changeDisks(storage, 'RemoveDisk', removed.guest.disks, { disk: 0 });
    t.deepEqual(again.guest.disks, removed.guest.disks);
    const { guest } = await changeDisks(storage, 'AddDisk', again.guest.disks, { disk: { size: 1 } });
    t.deepEqual(
      guest.disks.map(({ number }) => number),
      [1, 2],
    );
    await storage.call('VerifyDisks', { guest });
  });

  test('keeps the data of a removed disk, which can be added again', async (t) => {
    const storage = await startGuest(t);
    const kept = await changeDisks(storage, 'RemoveDisk', storage.disks, { disk: 1, keep: true });
    t.regex(
      kept.message ?? '',
      /^the data of disk 1 stays in .*: add it again with the volume guests\/.*\/disk-1;/,
    );
    const others = await changeDisks(storage, 'AddDisk', kept.guest.disks, { disk: { size: 1 } });
    t.is(others.guest.disks.at(-1)?.number, 2);
    const volume = `${GUEST}/disk-1`;
    const { guest } = await changeDisks(storage, 'AddDisk', others.guest.disks, { disk: { volume } });
    t.like(guest.disks.at(-1), { number: 1, volume, size: 1, bus: 'virtio' });
    await t.notThrowsAsync(backend.io(sourceOf(guest.disks, 1), 'read -P 0x22 0 1M'));
    await t.throwsAsync(changeDisks(storage, 'AddDisk', guest.disks, { disk: { volume } }), {
      message: /is not data of guest .* that was kept .*: there is none/,
    });
  });

  test('an image stays as long as the kept disk that builds on it', async (t) => {
    const storage = await startGuest(t);
    const { guest } = await changeDisks(storage, 'RemoveDisk', storage.disks, { disk: 0, keep: true });
    await addImage(storage, 'other', 0x77);
    const restored = await changeDisks(storage, 'AddDisk', guest.disks, {
      disk: { volume: `${GUEST}/disk-0` },
    });
    await t.notThrowsAsync(backend.io(sourceOf(restored.guest.disks, 0), 'read -P 0x11 0 1M'));
  });

  test('does not delete data that a snapshot includes or a program has open', async (t) => {
    const storage = await startGuest(t);
    await snapshot(storage, 'before');
    await t.throwsAsync(changeDisks(storage, 'RemoveDisk', storage.disks, { disk: 1 }), {
      message: /^snapshots of guest .* include disk 1: before: delete them first, or keep the data/,
    });
    await storage.call('DeleteSnapshot', snapshotRequest(`${GUEST}@before`));
    const source = storage.disks[1]?.source ?? '';
    const holder = await holdDisk(t, source);
    await t.throwsAsync(changeDisks(storage, 'RemoveDisk', storage.disks, { disk: 1 }), {
      message: /disk-1 is open by .*: stop that first; the data is still there$/,
    });
    await holder.stop();
    await t.notThrowsAsync(backend.io(source, 'read -P 0x22 0 1M'));
  });

  test('grows a disk with snapshots, never makes one smaller, and rolls its size back', async (t) => {
    const storage = await startGuest(t);
    await snapshot(storage, 'small');
    const grown = await changeDisks(storage, 'GrowDisk', storage.disks, { disk: 1, size: 4 });
    t.is(grown.message, 'disk 1 has 4 MB instead of 1');
    const source = storage.disks[1]?.source ?? '';
    await backend.io(source, 'write -P 0x33 3M 1M');
    const repeated = await changeDisks(storage, 'GrowDisk', grown.guest.disks, { disk: 1, size: 4 });
    t.is(repeated.message, 'disk 1 has 4 MB already');
    await t.throwsAsync(changeDisks(storage, 'GrowDisk', grown.guest.disks, { disk: 1, size: 3 }), {
      message: /^disk 1 of guest .* has 4 MB and cannot become smaller: give it a larger size, got 3$/,
    });
    await t.notThrowsAsync(backend.io(source, 'read -P 0x33 3M 1M'));
    const back = await storage.call('RollbackSnapshot', snapshotRequest(`${GUEST}@small`));
    t.is(back.message, 'disk 1 has 1 MB again, instead of 4');
    await t.notThrowsAsync(backend.io(source, 'read -P 0x22 0 1M'));
    await t.throwsAsync(backend.io(source, 'read 3M 1M'));
    const again = await changeDisks(storage, 'GrowDisk', storage.disks, { disk: 1, size: 2 });
    t.is(again.message, 'disk 1 has 2 MB instead of 1');
  });

  test('grows the disk of a running guest through its QEMU, and its content stays', async (t) => {
    const storage = await startGuest(t);
    const { io, stop } = await startLiveGuest(t, storage, storage.disks);
    await io(1, 'write -P 0x44 512k 512k');
    const grown = await changeDisks(storage, 'GrowDisk', storage.disks, { disk: 1, size: 4 });
    t.is(grown.message, 'disk 1 has 4 MB instead of 1; the guest has it already');
    await io(1, 'write -P 0x55 3M 1M');
    await stop();
    const source = storage.disks[1]?.source ?? '';
    await t.notThrowsAsync(backend.io(source, 'read -P 0x22 0 512k'));
    await t.notThrowsAsync(backend.io(source, 'read -P 0x44 512k 512k'));
    await t.notThrowsAsync(backend.io(source, 'read -P 0x55 3M 1M'));
  });

  test('a rollback leaves a disk alone that was added after the snapshot', async (t) => {
    const storage = await startGuest(t);
    await snapshot(storage, 'before');
    const { guest } = await changeDisks(storage, 'AddDisk', storage.disks, { disk: { size: 1 } });
    await backend.io(sourceOf(guest.disks, 2), 'write -P 0x66 0 1M');
    await backend.io(sourceOf(guest.disks, 1), 'write -P 0x77 0 1M');
    const { message } = await storage.call('RollbackSnapshot', snapshotRequest(`${GUEST}@before`));
    t.is(message, 'disk 2 was added after the snapshot and stays as it is');
    await t.notThrowsAsync(backend.io(sourceOf(guest.disks, 2), 'read -P 0x66 0 1M'));
    await t.notThrowsAsync(backend.io(sourceOf(guest.disks, 1), 'read -P 0x22 0 1M'));
  });

  test('rejects a rollback to a snapshot of a disk that was removed since', async (t) => {
    const storage = await startGuest(t);
    await snapshot(storage, 'both');
    const { guest } = await changeDisks(storage, 'RemoveDisk', storage.disks, { disk: 1, keep: true });
    await t.throwsAsync(storage.call('RollbackSnapshot', snapshotRequest(`${GUEST}@both`)), {
      message:
        /includes disk 1, which was removed since: add it again with the volume guests\/.*\/disk-1, or/,
    });
    await changeDisks(storage, 'AddDisk', guest.disks, { disk: { volume: `${GUEST}/disk-1` } });
    await t.notThrowsAsync(storage.call('RollbackSnapshot', snapshotRequest(`${GUEST}@both`)));
  });

  test('deletes kept data with the guest', async (t) => {
    const storage = await startGuest(t);
    const { guest } = await changeDisks(storage, 'RemoveDisk', storage.disks, { disk: 1, keep: true });
    await storage.call('DeleteGuestsDisks', { guest });
    t.deepEqual((await backend.contents(storage)).guests, []);
    t.deepEqual(await readdir(storage.runDir).catch(() => []), []);
  });

  test('rejects disks that cannot be added with the reason', async (t) => {
    const storage = await startGuest(t);
    const cases: [object, RegExp][] = [
      [{}, /give it a size in MB or an image/],
      [{ image: 'none' }, /none.*no such image/],
      [
        { size: 1, volume: `${GUEST}/disk-1` },
        /give the disk a volume, or a size and an image, but not both/,
      ],
      [{ volume: `${GUEST}/disk-1` }, /is not data of guest/],
      [{ size: -1 }, /"disk.size" must be at least 0/],
    ];
    for (const [disk, message] of cases) {
      await t.throwsAsync(changeDisks(storage, 'CheckAddDisk', storage.disks, { disk }), { message });
      await t.throwsAsync(changeDisks(storage, 'AddDisk', storage.disks, { disk }), { message });
    }
    await t.throwsAsync(changeDisks(storage, 'GrowDisk', storage.disks, { disk: 7, size: 9 }), {
      message: /^disk 7 of guest .*: not found$/,
    });
  });
};
