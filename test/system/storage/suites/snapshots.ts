import type { ExecutionContext } from 'ava';
import { diskSerial } from '../../../../lib/model/disks.js';
import type { Backend } from '../../../helpers/backends.js';
import { createGuest, snapshotRequest, type TestStorage } from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';
import { until } from '../../../helpers/wait.js';

const GUEST = `guests/${GUEST_ID}`;

interface TestGuest extends TestStorage {
  sources: string[];
  take: (name: string, id?: string) => Promise<string[]>;
  list: (id?: string) => Promise<string[]>;
}

/** Snapshots of a stopped guest, for every back end. */
export const snapshotsSuite = (backend: Backend): void => {
  const { test } = backend;

  /** Starts a store with a guest of two blank 1 MB disks. */
  const startGuest = async (t: ExecutionContext): Promise<TestGuest> => {
    const storage = await backend.start(t);
    const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    const ids = async (method: string, request: object): Promise<string[]> =>
      (await storage.call(method, request)).snapshots.map(({ id }) => id);
    return {
      ...storage,
      sources: disks.map(({ source }) => source),
      take: (name, id = GUEST) => ids('CreateSnapshot', snapshotRequest(id, { dest: name })),
      list: (id = GUEST) => ids('ListSnapshots', snapshotRequest(id)),
    };
  };

  test('succeeds when a repeated call finds its work done', async (t) => {
    const { list, call } = await startGuest(t);
    const creation = snapshotRequest(GUEST, { dest: 'one' });
    const { snapshots } = await call('CreateSnapshot', creation);
    t.deepEqual((await call('CreateSnapshot', creation, 2)).snapshots, snapshots);
    await t.throwsAsync(call('CreateSnapshot', creation), { message: /already exists/ });
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`));
    t.deepEqual((await call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`), 2)).snapshots, []);
    await t.throwsAsync(call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`)), { message: /not found/ });
    t.deepEqual(await list(), []);
  });

  test('a snapshot of a guest covers each of its disks', async (t) => {
    const { take, list, call } = await startGuest(t);
    t.deepEqual(await take('one'), [`${GUEST}/disk-0@one`, `${GUEST}/disk-1@one`]);
    t.deepEqual(await list(), [`${GUEST}/disk-0@one`, `${GUEST}/disk-1@one`]);
    const { snapshots } = await call('GetSnapshot', snapshotRequest(`${GUEST}@one`));
    t.like(snapshots, [
      { id: `${GUEST}/disk-0@one`, size: 1, consistency: 'crash' },
      { id: `${GUEST}/disk-1@one`, size: 1, consistency: 'crash' },
    ]);
    t.is(snapshots.length, 2);
  });

  test('keeps the description of a snapshot, which can be changed and removed', async (t) => {
    const { call } = await startGuest(t);
    const described = async (name: string) =>
      (await call('GetSnapshot', snapshotRequest(`${GUEST}@${name}`))).snapshots.map(
        (each) => each.description,
      );
    const text = `für "Ähnliches": 1=2, 日本 ${'é'.repeat(200)}`;
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one', description: text }));
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'two' }));
    t.deepEqual(await described('one'), [text, text]);
    t.deepEqual(await described('two'), [undefined, undefined]);
    const { snapshots } = await call(
      'DescribeSnapshot',
      snapshotRequest(`${GUEST}@two`, { description: 'b' }),
    );
    t.deepEqual(
      snapshots.map(({ description }) => description),
      ['b', 'b'],
    );
    await call('DescribeSnapshot', snapshotRequest(`${GUEST}/disk-1@two`, { description: 'c' }));
    t.deepEqual(await described('two'), ['b', 'c']);
    await call('DescribeSnapshot', snapshotRequest(`${GUEST}@one`, { description: '' }));
    t.deepEqual(await described('one'), [undefined, undefined]);
    await t.throwsAsync(call('DescribeSnapshot', snapshotRequest(`${GUEST}@none`, { description: 'd' })), {
      message: /snapshot none of guest .*: not found/,
    });
  });

  test('forgets the description with the snapshot', async (t) => {
    const { call, take } = await startGuest(t);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one', description: 'a' }));
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`));
    await take('one');
    const { snapshots } = await call('GetSnapshot', snapshotRequest(`${GUEST}@one`));
    t.deepEqual(
      snapshots.map(({ description }) => description),
      [undefined, undefined],
    );
  });

  test('says how much only a snapshot holds: what was overwritten since, and no other snapshot has', async (t) => {
    const storage = await backend.start(t);
    const { call } = storage;
    const [{ source: path = '' } = {}] = await createGuest(storage, [{ size: 64 }]);
    const disk = `${GUEST}/disk-0`;
    const take = (dest: string) => call('CreateSnapshot', snapshotRequest(disk, { dest }));
    const used = async () =>
      (await call('ListSnapshots', snapshotRequest(disk))).snapshots.map((snapshot) => snapshot.used ?? 99);
    /** ZFS counts some seconds later. */
    const usedSoon = (what: string, isRight: (used: number[]) => boolean) =>
      until(what, async () => isRight(await used()));
    await backend.io(path, 'write -P 1 0 16M');
    await take('one');
    await usedSoon('nothing is written since', ([one = 99]) => one <= 1);
    await backend.io(path, 'write -P 2 0 8M');
    await usedSoon('8 MB are overwritten', ([one = 0]) => one >= 8 && one <= 9);
    await take('two');
    await take('three');
    await backend.io(path, 'write -P 3 0 16M');
    await usedSoon('8 MB more are in two snapshots', ([one = 0, ...shared]) => {
      t.true(
        shared.every((each) => each <= 1),
        `${shared}`,
      );
      return one >= 8 && one <= 9;
    });
  });

  test('a snapshot carries the time when it was taken', async (t) => {
    const { take, call } = await startGuest(t);
    const before = Date.now();
    await take('one');
    const { snapshots } = await call('GetSnapshot', snapshotRequest(`${GUEST}@one`));
    for (const { created = '' } of snapshots) {
      const age = Date.parse(created) - before;
      t.true(age > -2000 && age < 60_000, created);
    }
  });

  test('selects a disk by its number, its serial or its device name', async (t) => {
    const { take, list } = await startGuest(t);
    t.deepEqual(await take('one', `${GUEST}/disk-1`), [`${GUEST}/disk-1@one`]);
    t.deepEqual(await take('two', `${GUEST}/disk-vdb`), [`${GUEST}/disk-1@two`]);
    t.deepEqual(await list(`${GUEST}/disk-vdb`), [`${GUEST}/disk-1@one`, `${GUEST}/disk-1@two`]);
    t.deepEqual(await list(`${GUEST}/disk-${diskSerial(GUEST_ID, 1)}`), [
      `${GUEST}/disk-1@one`,
      `${GUEST}/disk-1@two`,
    ]);
    t.deepEqual(await list(`${GUEST}/disk-0`), []);
  });

  test('reports missing guests, disks and snapshots as not found', async (t) => {
    const { call, take } = await startGuest(t);
    await take('one', `${GUEST}/disk-0`);
    const unknown = 'guests/0b8a7c1e-3f55-4a55-8a34-5f2f3a3e7f01';
    await t.throwsAsync(call('ListSnapshots', snapshotRequest(unknown)), { message: /: not found$/ });
    await t.throwsAsync(call('ListSnapshots', snapshotRequest(`${GUEST}/disk-7`)), {
      message: /: not found$/,
    });
    for (const method of ['GetSnapshot', 'DeleteSnapshot', 'RollbackSnapshot'])
      for (const id of [`${GUEST}@none`, `${GUEST}/disk-1@one`])
        await t.throwsAsync(call(method, snapshotRequest(id)), {
          message: /^snapshot (none|one) of (disk 1 of )?guest \S+: not found$/,
        });
  });

  test('rejects a snapshot name that one of the disks already has', async (t) => {
    const { take, list } = await startGuest(t);
    await take('one', `${GUEST}/disk-1`);
    await t.throwsAsync(take('one'), { message: /snapshot one of disk 1 of guest \S+ already exists/ });
    t.deepEqual(await list(), [`${GUEST}/disk-1@one`]);
  });

  test('rejects malformed names and ids', async (t) => {
    const { take, call } = await startGuest(t);
    for (const name of ['', 'a b', 'a/b', 'x'.repeat(256)])
      await t.throwsAsync(take(name), { message: /^"?snapshot name/ });
    await t.throwsAsync(call('ListSnapshots', snapshotRequest('guests/../../etc')), {
      message: /^"?snapshot id/,
    });
    await t.throwsAsync(call('GetSnapshot', snapshotRequest(GUEST)), { message: /add @/ });
  });

  test('rollback restores the content, even when a snapshot name looks like the id of another', async (t) => {
    const { take, call, sources } = await startGuest(t);
    const disk = `${GUEST}/disk-0`;
    const path = sources[0] ?? '';
    await backend.io(path, 'write -P 1 0 1M');
    await take('2', disk);
    await backend.io(path, 'write -P 2 0 1M');
    await take('1', disk);
    await backend.io(path, 'write -P 3 0 1M');
    await call('RollbackSnapshot', snapshotRequest(`${disk}@1`));
    await t.notThrowsAsync(backend.io(path, 'read -P 2 0 1M'));
    await call('RollbackSnapshot', snapshotRequest(`${disk}@2`, { destroyMoreRecent: true }));
    await t.notThrowsAsync(backend.io(path, 'read -P 1 0 1M'));
  });

  test('rejects a rollback past newer snapshots unless destroyMoreRecent is set', async (t) => {
    const { take, list, call } = await startGuest(t);
    for (const name of ['one', 'two', 'three']) await take(name);
    await t.throwsAsync(call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`)), {
      message: /newer snapshots exist: two, three: .* \(destroyMoreRecent, --destroy-more-recent\)$/,
    });
    t.is((await list()).length, 6);
    await call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`, { destroyMoreRecent: true }));
    t.deepEqual(await list(), [`${GUEST}/disk-0@one`, `${GUEST}/disk-1@one`]);
  });

  test('rejects a rollback of a guest to a snapshot that only one disk has', async (t) => {
    const { take, call } = await startGuest(t);
    await take('one', `${GUEST}/disk-0`);
    await t.throwsAsync(call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`)), {
      message: /disk 1 of guest \S+ has no snapshot one/,
    });
  });

  test('deleting a snapshot keeps the others', async (t) => {
    const { take, list, call } = await startGuest(t);
    await take('1');
    await take('2');
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@1`));
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}/disk-0@2`));
    t.deepEqual(await list(), [`${GUEST}/disk-1@2`]);
  });
};
