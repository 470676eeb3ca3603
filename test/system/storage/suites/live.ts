import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Disk } from '../../../../lib/model/guest.js';
import type { Backend } from '../../../helpers/backends.js';
import { startGuestAgent } from '../../../helpers/guest-agent.js';
import { type LiveGuest, startLiveGuest } from '../../../helpers/live-guest.js';
import { addImage, createGuest, snapshotRequest, type TestStorage } from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';

const GUEST = `guests/${GUEST_ID}`;

/** Operations on the disks of a running guest, for every back end. */
export const liveSuite = (backend: Backend): void => {
  const { test } = backend;

  const startGuest = async (t: ExecutionContext): Promise<TestStorage & LiveGuest & { disks: Disk[] }> => {
    const storage = await backend.start(t);
    await addImage(storage, 'os', 0x11);
    const disks = await createGuest(storage, [{ image: 'os' }, { size: 1 }]);
    return { ...storage, disks, ...(await startLiveGuest(t, storage, disks)) };
  };

  test('takes, lists and deletes snapshots of a running guest through its QEMU', async (t) => {
    const { call } = await startGuest(t);
    const ids = async (): Promise<string[]> =>
      (await call('ListSnapshots', snapshotRequest(GUEST))).snapshots.map(({ id }) => id);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    await call('CreateSnapshot', snapshotRequest(`${GUEST}/disk-vdb`, { dest: 'two' }));
    t.deepEqual(await ids(), [`${GUEST}/disk-0@one`, `${GUEST}/disk-1@one`, `${GUEST}/disk-1@two`]);
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`));
    t.deepEqual(await ids(), [`${GUEST}/disk-1@two`]);
  });

  test('rejects a rollback while the guest runs, and restores the running disks once it is stopped', async (t) => {
    const { call, io, stop, disks } = await startGuest(t);
    await io(0, 'write -P 0x22 0 512k');
    await io(1, 'write -P 0x33 0 1M');
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    await io(0, 'write -P 0x44 0 1M');
    await io(1, 'write -P 0x55 0 1M');
    await t.throwsAsync(call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`)), {
      message: `guest ${GUEST_ID} is running: shut it down, then roll it back`,
    });
    await stop();
    await call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`));
    const [first, second] = disks.map(({ source }) => source);
    await t.notThrowsAsync(backend.io(first ?? '', 'read -P 0x22 0 512k'));
    await t.notThrowsAsync(backend.io(first ?? '', 'read -P 0x11 512k 512k'));
    await t.notThrowsAsync(backend.io(second ?? '', 'read -P 0x33 0 1M'));
  });

  test('verifies the disks of a running guest and rejects their deletion', async (t) => {
    const { call, disks } = await startGuest(t);
    const request = { guest: { id: GUEST_ID, disks } };
    await t.notThrowsAsync(call('VerifyDisks', request));
    await t.throwsAsync(call('DeleteGuestsDisks', request), { message: /is running: stop it/ });
  });

  const consistencies = async ({ call }: TestStorage): Promise<unknown[]> =>
    (await call('ListSnapshots', snapshotRequest(GUEST))).snapshots.map(({ consistency }) => consistency);

  test('a snapshot of a running guest is crash-consistent unless its agent froze it', async (t) => {
    const storage = await startGuest(t);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const { commands } = await startGuestAgent(t, join(storage.runDir, GUEST_ID, 'qga.sock'), {
      'guest-fsfreeze-freeze': () => 1,
      'guest-fsfreeze-thaw': () => 1,
    });
    const request = snapshotRequest(`${GUEST}/disk-0`, { dest: 'two' });
    t.is((await storage.call('CreateSnapshot', request)).snapshots[0]?.consistency, 'filesystem');
    t.deepEqual(commands.slice(1), ['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw']);
    t.deepEqual(await consistencies(storage), ['crash', 'filesystem', 'crash']);
    const again = await backend.startAgain(t, storage);
    t.deepEqual(await consistencies(again), ['crash', 'filesystem', 'crash']);
  });

  const noteHalt = ({ runDir }: TestStorage): Promise<void> =>
    writeFile(join(runDir, `${GUEST_ID}.halted`), '');

  test('a snapshot of a stopped guest is crash-consistent unless the guest shut itself down', async (t) => {
    const storage = await startGuest(t);
    await storage.stop();
    await storage.call('CreateSnapshot', snapshotRequest(`${GUEST}/disk-0`, { dest: 'cut' }));
    await noteHalt(storage);
    await storage.call('CreateSnapshot', snapshotRequest(`${GUEST}/disk-0`, { dest: 'halted' }));
    t.deepEqual(await consistencies(storage), ['crash', 'filesystem']);
  });

  test('after a rollback, new snapshots are only as consistent as the one rolled back to', async (t) => {
    const storage = await startGuest(t);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'running' }));
    await storage.stop();
    await noteHalt(storage);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'halted' }));
    const consistencyAfter = async (name: string): Promise<unknown> => {
      await storage.call(
        'RollbackSnapshot',
        snapshotRequest(`${GUEST}@${name}`, { destroyMoreRecent: true }),
      );
      const request = snapshotRequest(`${GUEST}/disk-0`, { dest: `after-${name}` });
      return (await storage.call('CreateSnapshot', request)).snapshots[0]?.consistency;
    };
    t.is(await consistencyAfter('halted'), 'filesystem');
    t.is(await consistencyAfter('running'), 'crash');
  });

  test('a reused snapshot name does not inherit the old consistency', async (t) => {
    const storage = await startGuest(t);
    await storage.stop();
    await noteHalt(storage);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    t.deepEqual(await consistencies(storage), ['filesystem', 'filesystem']);
    await storage.call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`));
    await startLiveGuest(t, storage, storage.disks);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    t.deepEqual(await consistencies(storage), ['crash', 'crash']);
  });

  test('undoes an interrupted snapshot at the next start and thaws the guest', async (t) => {
    const storage = await startGuest(t);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    await storage.call('CreateSnapshot', snapshotRequest(`${GUEST}/disk-0`, { dest: 'half' }));
    await writeFile(
      join(storage.dir, 'journal', `${GUEST_ID}.json`),
      JSON.stringify({ action: 'create', name: 'half', disks: [0, 1] }),
    );
    const { commands } = await startGuestAgent(t, join(storage.runDir, GUEST_ID, 'qga.sock'), {
      'guest-fsfreeze-thaw': () => 1,
    });
    const { call } = await backend.startAgain(t, storage);
    t.true(commands.includes('guest-fsfreeze-thaw'));
    const { snapshots } = await call('ListSnapshots', snapshotRequest(GUEST));
    t.deepEqual(
      snapshots.map(({ id }) => id),
      [`${GUEST}/disk-0@one`, `${GUEST}/disk-1@one`],
    );
    t.deepEqual(await readdir(join(storage.dir, 'journal')), []);
  });
};
