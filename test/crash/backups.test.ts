import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openTestBackup, readIncrement, readWhole } from '../helpers/backups.js';
import { startLiveGuest } from '../helpers/live-guest.js';
import { needs } from '../helpers/needs.js';
import { numberFrom } from '../helpers/property.js';
import { createGuest } from '../helpers/storage.js';
import { storageProgram } from '../helpers/storage-program.js';
import { tempDir } from '../helpers/temp.js';

const ROUNDS = numberFrom('MISTIFY_CRASH_ROUNDS') ?? 6;
const MAX_KILL_AFTER_MS = 1200;
const BLOCK = 65_536;
const MB = 2 ** 20;

/** Longer than the rounds take on a busy machine. */
const TIMEOUT_MS = 60_000 + ROUNDS * 60_000;

needs(
  'qemu-img',
  'qemu-nbd',
  'nbdcopy',
  'nbdinfo',
  'qemu-system-x86_64',
  'python3',
)('wherever the sub-agent is killed, the guest runs on, and increments miss nothing', async (t) => {
  t.timeout(TIMEOUT_MS);
  const storage = await storageProgram(t);
  const dir = await tempDir(t);
  await storage.start();
  const disks = await createGuest(storage, [{ size: 4 }, { size: 4 }]);
  const guest = await startLiveGuest(t, storage, disks);
  await guest.ask('cont');
  const content = disks.map(() => Buffer.alloc(4 * MB));
  /** What each disk had at the moment of each backup that was open. */
  const known = new Map<string, Buffer[]>();

  const write = async (): Promise<void> => {
    for (const [disk, bytes] of content.entries()) {
      const [offset, value] = [randomInt(bytes.length / BLOCK) * BLOCK, randomInt(1, 256)];
      await guest.io(disk, `write -P ${value} ${offset} ${BLOCK}`);
      bytes.fill(value, offset, offset + BLOCK);
    }
  };

  const isRunning = async (): Promise<boolean> =>
    (await guest.ask<{ status: string }>('query-status')).status === 'running';

  const backupNodes = async (): Promise<string[]> =>
    (await guest.ask<{ 'node-name': string }[]>('query-named-block-nodes', { flat: true }))
      .map((node) => node['node-name'])
      .filter((name) => name.startsWith('backup'));

  for (let round = 0; round < ROUNDS; round += 1) {
    await write();
    const instant = content.map((bytes) => Buffer.from(bytes));
    const backup = randomUUID();
    const attempt = async (): Promise<void> => {
      const { close } = await openTestBackup(storage, backup);
      known.set(backup, instant);
      await close();
    };
    const attempted = attempt().catch(() => undefined);
    await sleep(randomInt(MAX_KILL_AFTER_MS));
    await storage.kill();
    await attempted;
    // The kill may have come before the response.
    known.set(backup, instant);
    await storage.start();
    t.true(await isRunning(), `round ${round}: the guest runs`);
    t.deepEqual(await backupNodes(), [], `round ${round}: nothing of the backup is left`);

    await write();
    const now = content.map((bytes) => Buffer.from(bytes));
    const { backup: next, source, close } = await openTestBackup(storage);
    for (const [index, disk] of source.disks.entries()) {
      const before = disk.since === undefined ? undefined : known.get(disk.since)?.[index];
      const read = before ? await readIncrement(dir, disk, before) : await readWhole(dir, disk);
      t.true(now[index]?.equals(read), `round ${round}: disk ${index}, since ${disk.since}`);
    }
    known.set(next, now);
    await close();
  }
});
