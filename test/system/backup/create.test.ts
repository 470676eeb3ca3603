import { restoreDisk, startTestBackup, TestGuest } from '../../helpers/backup.js';
import { needs } from '../../helpers/needs.js';
import { Random } from '../../helpers/random.js';

const MB = 2 ** 20;
const withRestic = needs('restic', 'qemu-nbd', 'qemu-img', 'qemu-io');

withRestic('a backup, its increments and their restores', async (t) => {
  const backup = await startTestBackup(t);
  const guest = await TestGuest.create(t, 64 * MB);
  const random = new Random(1);
  await guest.disk.scatter(random, 100);
  const first = await guest.backUp(backup);
  const before = await guest.disk.content();
  t.is(first.backup.whole, 'it is the first backup of this guest');
  t.is(first.backup.name, 'web');
  await guest.disk.fill([3, 4], 0);
  await guest.disk.fill([900], 0x77);
  const second = await guest.backUp(backup);
  const after = await guest.disk.content();
  t.is(second.backup.whole, undefined);
  t.true(second.backup.read <= 3 * 2 ** 18, `read ${second.backup.read}`);

  t.is(await (await restoreDisk(t, backup, first.backup)).content(), before);
  const restored = await restoreDisk(t, backup, second.backup);
  t.is(await restored.content(), after);
  // A restore over other content leaves nothing of it.
  await restored.scatter(random, 50);
  await restoreDisk(t, backup, first.backup, restored);
  t.is(await restored.content(), before);

  const { backups } = await backup.call('List', {});
  t.deepEqual(
    backups.map(({ id }) => id),
    [first.backup.id, second.backup.id],
  );
  const verified = await backup.call('Verify', { backup: second.backup.id });
  t.true(verified.backup.verified?.ok);
  t.is((await backup.call('Get', { backup: first.backup.id })).record.metadata?.name, 'web');
});
