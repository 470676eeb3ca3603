import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { requireNotMarked } from '../../../../lib/subagents/shared/rollback-mark.js';
import type { Backend } from '../../../helpers/backends.js';
import { holdDisk } from '../../../helpers/disk-holder.js';
import { createGuest, snapshotRequest, type TestStorage } from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';

const GUEST = `guests/${GUEST_ID}`;

/** A back end whose rollbacks can be made to fail. */
export interface BreakableBackend extends Backend {
  /**
   * Makes the rollback of the second disk fail, beyond undoing.
   * @returns mends it
   */
  breakRollback: (t: ExecutionContext) => Promise<() => void>;
}

interface TestGuest extends TestStorage {
  sources: string[];
  ids: () => Promise<string[]>;
  /** Checks that both disks are filled with a byte. */
  contain: (first: number, second?: number) => Promise<void>;
}

/** Operations on several disks: on all of them or on none, for every back end. */
export const severalDisksSuite = (backend: BreakableBackend): void => {
  const { test } = backend;

  /** Starts a store with a guest of two disks that hold 1 in snapshot s1, 2 in s2, and 3 now. */
  const startGuest = async (t: ExecutionContext): Promise<TestGuest> => {
    const storage = await backend.start(t);
    const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    const sources = disks.map(({ source }) => source);
    for (const [byte, dest] of [
      [1, 's1'],
      [2, 's2'],
      [3, undefined],
    ] as const) {
      for (const source of sources) await backend.io(source, `write -P ${byte} 0 1M`);
      if (dest) await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
    }
    return {
      ...storage,
      sources,
      ids: async () =>
        (await storage.call('ListSnapshots', snapshotRequest(GUEST))).snapshots.map(({ id }) =>
          id.slice(GUEST.length + 1),
        ),
      contain: async (first, second = first) => {
        for (const [index, byte] of [first, second].entries())
          await backend.io(sources[index] ?? '', `read -P ${byte} 0 1M`);
      },
    };
  };

  const ALL = ['disk-0@s1', 'disk-0@s2', 'disk-1@s1', 'disk-1@s2'];
  const back = (name: string, disk = ''): object =>
    snapshotRequest(`${GUEST}${disk}@${name}`, { destroyMoreRecent: true });

  test('rolls no disk back while another program has one of them open, and names it', async (t) => {
    const { call, sources, ids, contain } = await startGuest(t);
    const { pid, stop } = await holdDisk(t, sources[1] ?? '');
    await t.throwsAsync(call('RollbackSnapshot', back('s1')), {
      message: `${GUEST}/disk-1 is open by qemu-nbd (process ${pid}): stop that first`,
    });
    await stop();
    t.deepEqual(await ids(), ALL);
    await t.notThrowsAsync(contain(3));
    await call('RollbackSnapshot', back('s1'));
    t.deepEqual(await ids(), ['disk-0@s1', 'disk-1@s1']);
    await t.notThrowsAsync(contain(1));
  });

  test('waits for a program that has a disk open only briefly', async (t) => {
    const { call, sources, contain } = await startGuest(t);
    const { stop } = await holdDisk(t, sources[1] ?? '');
    const rolledBack = call('RollbackSnapshot', back('s1'));
    await setTimeout(100);
    await stop();
    await t.notThrowsAsync(rolledBack);
    await t.notThrowsAsync(contain(1));
  });

  test('reports a torn guest, does not start it, and can roll it back again', async (t) => {
    const { call, sources, ids, contain, dir } = await startGuest(t);
    const mend = await backend.breakRollback(t);
    const torn =
      /disk 0 is rolled back to s1, disk 1 is not \(.+\): roll all its disks back again, to a snapshot that all of them have \(s1.*\), or delete the guest$/;
    await t.throwsAsync(call('RollbackSnapshot', back('s1')), { message: torn });
    await t.throwsAsync(requireNotMarked(GUEST_ID, sources), { message: torn });
    await t.throwsAsync(call('VerifyDisks', { guest: { id: GUEST_ID } }), { message: torn });
    await t.throwsAsync(call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's3' })), { message: torn });
    await t.throwsAsync(call('DeleteSnapshot', snapshotRequest(`${GUEST}@s1`)), { message: torn });
    mend();
    await call('RollbackSnapshot', back('s1'));
    await t.notThrowsAsync(requireNotMarked(GUEST_ID, sources));
    await t.notThrowsAsync(call('VerifyDisks', { guest: { id: GUEST_ID } }));
    t.deepEqual(await ids(), ['disk-0@s1', 'disk-1@s1']);
    await t.notThrowsAsync(contain(1));
    t.deepEqual(await readdir(join(dir, 'journal')), []);
  });

  test('a torn guest is whole once the disks left behind are rolled back by themselves', async (t) => {
    const { call, sources, contain } = await startGuest(t);
    const mend = await backend.breakRollback(t);
    await t.throwsAsync(call('RollbackSnapshot', back('s1')), { message: /does not start/ });
    mend();
    await call('RollbackSnapshot', back('s1', '/disk-1'));
    await t.notThrowsAsync(requireNotMarked(GUEST_ID, sources));
    await t.notThrowsAsync(contain(1));
  });

  test('a guest stays torn across a restart, but a new guest with its id is not torn', async (t) => {
    const storage = await startGuest(t);
    const mend = await backend.breakRollback(t);
    await t.throwsAsync(storage.call('RollbackSnapshot', back('s1')), { message: /does not start/ });
    mend();
    const { call, dir } = await backend.startAgain(t, storage);
    await t.throwsAsync(requireNotMarked(GUEST_ID, storage.sources), { message: /disk 1 is not/ });
    await call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
    t.deepEqual(await readdir(join(dir, 'journal')), []);
    const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    t.true(existsSync(disks[0]?.source ?? ''));
    await t.notThrowsAsync(requireNotMarked(GUEST_ID, storage.sources));
    await t.notThrowsAsync(call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's1' })));
  });
};
