import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { requireNotMarked, writeRollbackMark } from '../../../../lib/subagents/shared/rollback-mark.js';
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

  /** Also marks the guest's disks, as a process does before a rollback. */
  const leaveRollback = async (storage: TestStorage & { sources: string[] }, name: string): Promise<void> => {
    await leaveIntent(storage, 'rollback', name);
    const [source = ''] = storage.sources;
    await writeRollbackMark(
      source.slice(0, source.indexOf(GUEST_ID) + GUEST_ID.length),
      'it is being rolled back',
    );
  };

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
    await leaveRollback(storage, 'one');
    await t.throwsAsync(requireNotMarked(GUEST_ID, storage.sources), { message: /does not start/ });
    const again = await backend.startAgain(t, storage);
    await t.notThrowsAsync(requireNotMarked(GUEST_ID, storage.sources));
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

  test('keeps what a guest may have written since a rollback that cannot be completed, until the next request', async (t) => {
    const storage = await start(t);
    const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    for (const dest of ['one', 'two']) await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
    const back = (disk = ''): object => snapshotRequest(`${GUEST}${disk}@one`, { destroyMoreRecent: true });
    await storage.call('RollbackSnapshot', back('/disk-0'));
    await leaveRollback(storage, 'one');
    // Its run directory is elsewhere, so the store takes the guest for stopped but cannot roll back disks in use.
    const { io, stop } = await startLiveGuest(t, { ...storage, runDir: await tempDir(t) }, disks);
    const again = await backend.startAgain(t, storage);
    for (const disk of [0, 1]) await io(disk, 'write -P 7 0 1M');
    await stop();
    const create = (): Promise<unknown> =>
      again.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'later' }));
    await t.throwsAsync(create, {
      message:
        /may have reached only some of its disks \(.*is open by qemu-system-x86_64 .*roll all its disks back/,
    });
    for (const source of storage.sources) await t.notThrowsAsync(backend.io(source, 'read -P 7 0 1M'));
    t.true((await ids(again)).includes(`${GUEST}/disk-1@two`));
    await again.call('RollbackSnapshot', back());
    await t.notThrowsAsync(create);
    for (const source of storage.sources) await t.notThrowsAsync(backend.io(source, 'read -P 0 0 1M'));
  });

  test('changes no disk for a rollback that was complete, since the guest may have started', async (t) => {
    const storage = await start(t);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    for (const source of storage.sources) await backend.io(source, 'write -P 7 0 1M');
    await leaveIntent(storage, 'rollback', 'one');
    await backend.startAgain(t, storage);
    for (const source of storage.sources) await t.notThrowsAsync(backend.io(source, 'read -P 7 0 1M'));
    t.deepEqual(await readdir(join(storage.dir, 'journal')), []);
  });

  test('forgets the operation of a guest that no longer exists', async (t) => {
    const storage = await start(t);
    await storage.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
    await leaveIntent(storage, 'rollback', 'one');
    await backend.startAgain(t, storage);
    t.deepEqual(await readdir(join(storage.dir, 'journal')), []);
  });
};
