import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Backend } from '../../../helpers/backends.js';
import { startLiveGuest } from '../../../helpers/live-guest.js';
import { createGuest, openDownload, snapshotRequest, type TestStorage } from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';

const GUEST = `guests/${GUEST_ID}`;

const ids = async ({ call }: TestStorage): Promise<string[]> =>
  (await call('ListSnapshots', snapshotRequest(GUEST))).snapshots.map(({ id }) => id);

/** What is true of what a process was at when it was killed, whatever the back end. */
export const settleSuite = (backend: Backend): void => {
  const { test } = backend;

  const start = async (t: ExecutionContext): Promise<TestStorage & { sources: string[] }> => {
    const storage = await backend.start(t);
    const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    return { ...storage, sources: disks.map(({ source }) => source) };
  };

  /** As a process that was killed at that has it. */
  const leave = ({ dir }: TestStorage, action: string, name: string): Promise<void> =>
    writeFile(join(dir, 'journal', `${GUEST_ID}.json`), JSON.stringify({ action, name, disks: [0, 1] }));

  test('a snapshot that was taken of the first disk only is undone', async (t) => {
    const storage = await start(t);
    await storage.call('CreateSnapshot', snapshotRequest(`${GUEST}/disk-0`, { dest: 'one' }));
    await leave(storage, 'create', 'one');
    const again = await backend.startAgain(t, storage);
    t.deepEqual(await ids(again), []);
    t.deepEqual(await readdir(join(storage.dir, 'journal')), []);
    await t.notThrowsAsync(again.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' })));
  });

  test('a snapshot that was removed of the first disk only is removed of all', async (t) => {
    const storage = await start(t);
    for (const dest of ['one', 'two']) await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
    await storage.call('DeleteSnapshot', snapshotRequest(`${GUEST}/disk-0@one`));
    await leave(storage, 'delete', 'one');
    t.deepEqual(await ids(await backend.startAgain(t, storage)), [
      `${GUEST}/disk-0@two`,
      `${GUEST}/disk-1@two`,
    ]);
  });

  test('a rollback that came as far as the first disk is completed', async (t) => {
    const storage = await start(t);
    for (const source of storage.sources) await backend.io(source, 'write -P 1 0 1M');
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    for (const source of storage.sources) await backend.io(source, 'write -P 2 0 1M');
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'two' }));
    const first = snapshotRequest(`${GUEST}/disk-0@one`, { destroyMoreRecent: true });
    await storage.call('RollbackSnapshot', first);
    await leave(storage, 'rollback', 'one');
    const again = await backend.startAgain(t, storage);
    for (const source of storage.sources) await t.notThrowsAsync(backend.io(source, 'read -P 1 0 1M'));
    t.deepEqual(await ids(again), [`${GUEST}/disk-0@one`, `${GUEST}/disk-1@one`]);
  });

  test('a snapshot that could not be settled is not told of, and what is asked for again is done anew', async (t) => {
    const storage = await start(t);
    for (const dest of ['one', 'half'])
      await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
    await leave(storage, 'delete', 'one');
    t.deepEqual(await ids(storage), [`${GUEST}/disk-0@half`, `${GUEST}/disk-1@half`]);
    await leave(storage, 'create', 'half');
    t.deepEqual(await ids(storage), [`${GUEST}/disk-0@one`, `${GUEST}/disk-1@one`]);
    t.is((await openDownload(storage.port, `${GUEST}/disk-0@half`)).statusCode, 404);
    // Repeated by an agent that knows nothing of how the first attempt ended.
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'half' }), 2);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'next' }));
    t.deepEqual(
      await ids(storage),
      [0, 1].flatMap((disk) => ['one', 'half', 'next'].map((name) => `${GUEST}/disk-${disk}@${name}`)),
    );
  });

  test('a rollback that could not be completed does not take what the guest has written since', async (t) => {
    const storage = await start(t);
    const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    for (const dest of ['one', 'two']) await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
    await storage.call(
      'RollbackSnapshot',
      snapshotRequest(`${GUEST}/disk-0@one`, { destroyMoreRecent: true }),
    );
    await leave(storage, 'rollback', 'one');
    // Not known to the store, which cannot roll back disks that are in use.
    const { io, stop } = await startLiveGuest(t, { ...storage, runDir: await tempDir(t) }, disks);
    const again = await backend.startAgain(t, storage);
    for (const disk of [0, 1]) await io(disk, 'write -P 7 0 1M');
    await stop();
    await again.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'later' }));
    for (const source of storage.sources) await t.notThrowsAsync(backend.io(source, 'read -P 7 0 1M'));
    t.true((await ids(again)).includes(`${GUEST}/disk-1@two`));
  });

  test('what was under way for a guest that is gone is forgotten', async (t) => {
    const storage = await start(t);
    await storage.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
    await leave(storage, 'rollback', 'one');
    await backend.startAgain(t, storage);
    t.deepEqual(await readdir(join(storage.dir, 'journal')), []);
  });
};
