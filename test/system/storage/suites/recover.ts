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

/** Recovery of operations that a killed process left half done, for every back end. */
export const recoverSuite = (backend: Backend): void => {
  const { test } = backend;

  const start = async (t: ExecutionContext): Promise<TestStorage & { sources: string[] }> => {
    const storage = await backend.start(t);
    const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    return { ...storage, sources: disks.map(({ source }) => source) };
  };

  /** Writes the journal entry that a process killed in the middle of `action` leaves. */
  const leaveIntent = ({ dir }: TestStorage, action: string, name: string): Promise<void> =>
    writeFile(join(dir, 'journal', `${GUEST_ID}.json`), JSON.stringify({ action, name, disks: [0, 1] }));

  test('undoes a snapshot that only the first disk has', async (t) => {
    const storage = await start(t);
    await storage.call('CreateSnapshot', snapshotRequest(`${GUEST}/disk-0`, { dest: 'one' }));
    await leaveIntent(storage, 'create', 'one');
    const again = await backend.startAgain(t, storage);
    t.deepEqual(await ids(again), []);
    t.deepEqual(await readdir(join(storage.dir, 'journal')), []);
    await t.notThrowsAsync(again.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' })));
  });

  test('completes the deletion of a snapshot that only the first disk has lost', async (t) => {
    const storage = await start(t);
    for (const dest of ['one', 'two']) await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
    await storage.call('DeleteSnapshot', snapshotRequest(`${GUEST}/disk-0@one`));
    await leaveIntent(storage, 'delete', 'one');
    t.deepEqual(await ids(await backend.startAgain(t, storage)), [
      `${GUEST}/disk-0@two`,
      `${GUEST}/disk-1@two`,
    ]);
  });

  test('completes a rollback that only reached the first disk', async (t) => {
    const storage = await start(t);
    for (const source of storage.sources) await backend.io(source, 'write -P 1 0 1M');
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    for (const source of storage.sources) await backend.io(source, 'write -P 2 0 1M');
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'two' }));
    const first = snapshotRequest(`${GUEST}/disk-0@one`, { destroyMoreRecent: true });
    await storage.call('RollbackSnapshot', first);
    await leaveIntent(storage, 'rollback', 'one');
    const again = await backend.startAgain(t, storage);
    for (const source of storage.sources) await t.notThrowsAsync(backend.io(source, 'read -P 1 0 1M'));
    t.deepEqual(await ids(again), [`${GUEST}/disk-0@one`, `${GUEST}/disk-1@one`]);
  });

  test('hides a snapshot awaiting recovery, and recovers before the next change', async (t) => {
    const storage = await start(t);
    for (const dest of ['one', 'half'])
      await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
    await leaveIntent(storage, 'delete', 'one');
    t.deepEqual(await ids(storage), [`${GUEST}/disk-0@half`, `${GUEST}/disk-1@half`]);
    await leaveIntent(storage, 'create', 'half');
    t.deepEqual(await ids(storage), [`${GUEST}/disk-0@one`, `${GUEST}/disk-1@one`]);
    t.is((await openDownload(storage.port, `${GUEST}/disk-0@half`)).statusCode, 404);
    // A second attempt: the agent does not know how the first one ended.
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'half' }), 2);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'next' }));
    t.deepEqual(
      await ids(storage),
      [0, 1].flatMap((disk) => ['one', 'half', 'next'].map((name) => `${GUEST}/disk-${disk}@${name}`)),
    );
  });

  test('abandons a rollback it cannot complete, and keeps what the guest has written since', async (t) => {
    const storage = await start(t);
    const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    for (const dest of ['one', 'two']) await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
    await storage.call(
      'RollbackSnapshot',
      snapshotRequest(`${GUEST}/disk-0@one`, { destroyMoreRecent: true }),
    );
    await leaveIntent(storage, 'rollback', 'one');
    // Its run directory is elsewhere, so the store takes the guest for stopped but cannot roll back disks in use.
    const { io, stop } = await startLiveGuest(t, { ...storage, runDir: await tempDir(t) }, disks);
    const again = await backend.startAgain(t, storage);
    for (const disk of [0, 1]) await io(disk, 'write -P 7 0 1M');
    await stop();
    await again.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'later' }));
    for (const source of storage.sources) await t.notThrowsAsync(backend.io(source, 'read -P 7 0 1M'));
    t.true((await ids(again)).includes(`${GUEST}/disk-1@two`));
  });

  test('forgets the operation of a guest that no longer exists', async (t) => {
    const storage = await start(t);
    await storage.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
    await leaveIntent(storage, 'rollback', 'one');
    await backend.startAgain(t, storage);
    t.deepEqual(await readdir(join(storage.dir, 'journal')), []);
  });
};
