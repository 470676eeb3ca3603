import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Disk } from '../../../lib/model/guest.js';
import { openTestBackup, readWhole } from '../../helpers/backups.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { createGuest, startTestStorage, type TestStorage } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';

const test = needs('qemu-system-x86_64', 'qemu-img', 'qemu-nbd', 'nbdcopy', 'python3');

interface World {
  host: QemuHost;
  storage: TestStorage;
  id: string;
  disks: Disk[];
}

/** Starts a guest as the agent does: the storage makes its disks, and its QEMU has a user of its own. */
const startGuest = async (t: ExecutionContext): Promise<World> => {
  t.timeout(300_000);
  const host = await QemuHost.start(t);
  const own = { dir: join(host.dir, 'storage'), runDir: join(host.dir, 'run') };
  const storage = await startTestStorage(t, undefined, own);
  const id = host.newId();
  const disks = await createGuest(storage, [{ size: 4 }, { size: 4, bus: 'scsi' }], id);
  await host.call('Create', { id, ...TINY, disks });
  return { host, storage, id, disks };
};

/** Backs a guest up, and returns why each disk was read whole. */
const backUp = async ({ storage, id }: World): Promise<(string | undefined)[]> => {
  const { source, close } = await openTestBackup(storage, randomUUID(), id);
  await close();
  return source.disks.map(({ whole }) => whole);
};

const FIRST = 'it is the first backup of the guest';

test('a confined QEMU serves its disks, has metrics all the while, and runs on', async (t) => {
  const world = await startGuest(t);
  const { host, storage, id } = world;
  const names = async (): Promise<string[]> =>
    Object.keys((await host.measure('DiskMetrics', id)).disk ?? {}).sort();
  const before = await names();
  const states = await host.watchStates(t, id);
  const { source, close } = await openTestBackup(storage, randomUUID(), id);
  for (const disk of source.disks) t.is((await readWhole(await tempDir(t), disk)).length, disk.size);
  t.is(before.length, 2);
  t.deepEqual(await names(), before);
  t.is(await host.state(id), 'running');
  await t.throwsAsync(host.call('Save', { id }), {
    message: `guest ${id} is being backed up: save its memory once that is done, or cancel the backup`,
  });
  await close();
  t.is(await host.state(id), 'running');
  t.deepEqual([...new Set(states)], ['running'], 'nobody is told that the guest was halted for a moment');
});

test('what has changed is known after a restart, a saved memory, and a shutdown of QEMU', async (t) => {
  const world = await startGuest(t);
  const { host, id } = world;
  t.deepEqual(await backUp(world), [FIRST, FIRST]);
  await host.call('Restart', { id });
  t.deepEqual(await backUp(world), [undefined, undefined]);
  await host.call('Save', { id });
  t.deepEqual(await backUp(world), [undefined, undefined]);
  await host.call('Run', { id });
  t.deepEqual(await backUp(world), [undefined, undefined]);
  await host.call('Poweroff', { id });
  t.deepEqual(await backUp(world), [undefined, undefined]);
});

test('a poweroff ends the guest at once while it is backed up', async (t) => {
  const world = await startGuest(t);
  const { host, storage, id } = world;
  t.deepEqual(await backUp(world), [FIRST, FIRST]);
  const { close } = await openTestBackup(storage, randomUUID(), id);
  await host.call('Poweroff', { id });
  await close('failed');
  await host.call('Run', { id });
  t.deepEqual(await backUp(world), [undefined, undefined]);
});
