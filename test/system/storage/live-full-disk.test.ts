import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Disk } from '../../../lib/model/guest.js';
import { type LiveGuest, startLiveGuest } from '../../helpers/live-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { qcow2Backend } from '../../helpers/qcow2-backend.js';
import { fillUp, mountSmall } from '../../helpers/small-disk.js';
import { createGuest, snapshotRequest, startTestStorage, type TestStorage } from '../../helpers/storage.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G42.
// Their faults are those of findings/qemu-a-failed-snapshot-delete-is-half-done.sh.

const test = needsInTurn('qemu-img', 'qemu-system-x86_64', 'mount', 'umount', 'root');

const SIZE_MB = 8;
const PAGE_BYTES = 4096;
const GUEST = `guests/${GUEST_ID}`;

interface FullGuest {
  storage: TestStorage;
  disks: Disk[];
  live: LiveGuest;
  /** Leaves room for a number of files of up to 4 kB. */
  leavePages: (pages: number) => Promise<void>;
  makeRoom: () => Promise<void>;
}

/** A running guest with two disks that have the given snapshots, on a device that is full. */
const fullGuest = async (t: ExecutionContext, ...snapshots: string[]): Promise<FullGuest> => {
  const dir = await mountSmall(t, SIZE_MB);
  const storage = await startTestStorage(t, dir);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  const live = await startLiveGuest(t, storage, disks);
  for (const dest of snapshots) {
    for (const disk of disks.keys()) await live.io(disk, 'write -P 0x31 0 64k');
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
  }
  const leavePages = async (pages: number): Promise<void> => {
    const ballast = await fillUp(dir);
    await truncate(ballast, (await stat(ballast)).size - pages * PAGE_BYTES);
  };
  await leavePages(0);
  return { storage, disks, live, leavePages, makeRoom: () => truncate(join(dir, 'ballast'), 0) };
};

const create = ({ storage }: Pick<FullGuest, 'storage'>, dest: string): Promise<unknown> =>
  storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));

const remove = ({ storage }: Pick<FullGuest, 'storage'>, name: string): Promise<unknown> =>
  storage.call('DeleteSnapshot', snapshotRequest(`${GUEST}@${name}`));

/** Lists the snapshots that the sub-agent shows, as `DISK@NAME`. */
const listed = async ({ storage }: Pick<FullGuest, 'storage'>): Promise<string[]> =>
  (await storage.call('ListSnapshots', snapshotRequest(GUEST))).snapshots.map(
    ({ id }) => id.split('/disk-')[1] ?? '',
  );

/** Lists the snapshots in the disks' files, as `DISK@NAME`. */
const inFiles = async ({ disks }: FullGuest): Promise<string[]> => {
  const files = disks.map(async ({ source }, disk) => {
    const { stdout } = await execa('qemu-img', ['info', '-U', '-f', 'qcow2', '--output=json', source]);
    const { snapshots = [] } = JSON.parse(stdout) as { snapshots?: { name: string }[] };
    return snapshots.map(({ name }) => `${disk}@${name}`);
  });
  return (await Promise.all(files)).flat();
};

const isInterrupted = async ({ storage }: Pick<FullGuest, 'storage'>): Promise<boolean> =>
  (await readdir(join(storage.dir, 'journal'))).includes(`${GUEST_ID}.json`);

const recovered = (guest: Pick<FullGuest, 'storage'>): Promise<unknown> =>
  until('the interrupted operation is recovered', async () => !(await isInterrupted(guest)));

/** Whether the disks have nothing worse than clusters that are in use without need. */
const areWhole = async (t: ExecutionContext, { disks, live }: FullGuest): Promise<void> => {
  for (const disk of disks.keys()) await t.notThrowsAsync(live.io(disk, 'read -P 0x31 0 64k'));
  await live.stop();
  for (const { source } of disks) {
    const { exitCode = -1 } = await execa('qemu-img', ['check', '-f', 'qcow2', source], { reject: false });
    t.true([0, 3].includes(exitCode));
  }
};

test('a snapshot that a full device leaves on one disk of a running guest is hidden, and undone once there is room', async (t) => {
  const guest = await fullGuest(t, 'one');
  for (let pages = 1; !(await isInterrupted(guest)); pages += 1) {
    await guest.leavePages(pages);
    await t.throwsAsync(create(guest, 'two'), { message: /no space left/ }, `${pages} pages`);
  }
  t.deepEqual(await inFiles(guest), ['0@one', '0@two', '1@one']);
  t.deepEqual(await listed(guest), ['0@one', '1@one']);
  await guest.makeRoom();
  await recovered(guest);
  t.deepEqual(await inFiles(guest), ['0@one', '1@one']);
  await create(guest, 'two');
  t.deepEqual(await inFiles(guest), ['0@one', '0@two', '1@one', '1@two']);
  await areWhole(t, guest);
});

/** A guest whose snapshot `one` is half deleted: its deletion failed midway. */
const halfDeleted = async (t: ExecutionContext): Promise<FullGuest> => {
  const guest = await fullGuest(t, 'one', 'two');
  await guest.leavePages(1);
  await t.throwsAsync(remove(guest, 'one'), {
    message:
      /^snapshot one is half deleted, and is deleted completely once that is possible: .*No space left/,
  });
  t.deepEqual(await inFiles(guest), ['0@one', '0@two', '1@one', '1@two']);
  t.deepEqual(await listed(guest), ['0@two', '1@two']);
  return guest;
};

test('a snapshot of a running guest that a full device has half deleted is hidden, and deleted once there is room', async (t) => {
  const guest = await halfDeleted(t);
  await t.throwsAsync(create(guest, 'three'), { message: /interrupted delete of snapshot one/ });
  await guest.makeRoom();
  await recovered(guest);
  t.deepEqual(await inFiles(guest), ['0@two', '1@two']);
  await create(guest, 'one');
  t.deepEqual(await listed(guest), ['0@two', '0@one', '1@two', '1@one']);
  await areWhole(t, guest);
});

test('a snapshot that was half deleted when the sub-agent was killed is deleted once there is room', async (t) => {
  const guest = await halfDeleted(t);
  const storage = await qcow2Backend.startAgain(t, guest.storage);
  t.deepEqual(await listed({ storage }), ['0@two', '1@two']);
  await guest.makeRoom();
  await recovered({ storage });
  t.deepEqual(await inFiles(guest), ['0@two', '1@two']);
  await areWhole(t, guest);
});

test('a snapshot that was half deleted when its guest stopped is deleted once there is room', async (t) => {
  const guest = await halfDeleted(t);
  await guest.live.stop();
  await guest.makeRoom();
  await recovered(guest);
  t.deepEqual(await inFiles(guest), ['0@two', '1@two']);
});

test('a snapshot of a running guest without room for a journal entry is deleted only if it is the last one', async (t) => {
  const guest = await fullGuest(t, 'one', 'two');
  await t.throwsAsync(remove(guest, 'one'), { message: /no space left on the device .* then try again/ });
  t.deepEqual(await listed(guest), ['0@one', '0@two', '1@one', '1@two']);
  await guest.makeRoom();
  await remove(guest, 'two');
  await guest.leavePages(0);
  await remove(guest, 'one');
  t.deepEqual(await inFiles(guest), []);
  await guest.makeRoom();
  await areWhole(t, guest);
});
