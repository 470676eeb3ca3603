import { randomUUID } from 'node:crypto';
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { restoreDisk, startTestBackup, type TestBackup, TestGuest } from '../../helpers/backup.js';
import { backedUp } from '../../helpers/backup-faults.js';
import { needs, needsInTurn } from '../../helpers/needs.js';
import { restic, resticCommand, snapshotsOf } from '../../helpers/restic.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';
import { wrapProgram } from '../../helpers/wrapped-program.js';

const MB = 2 ** 20;
const PARTS = ['restic', 'qemu-nbd', 'qemu-img', 'qemu-io'] as const;
const withRestic = needs(...PARTS);
/** They replace programs in the path of this process. */
const inTurn = needsInTurn(...PARTS);

const NOT_STORED = 'the last backup was not stored as it should have been';

/** All that is listed is whole, and a new backup restores to what the disk has. */
const requireSound = async (t: ExecutionContext, backup: TestBackup, guest: TestGuest): Promise<void> => {
  const latest = await guest.backUp(backup);
  t.is(await (await restoreDisk(t, backup, latest.backup)).content(), await guest.disk.content());
  for (const { id } of (await backup.call('List', {})).backups)
    t.true((await backup.call('Verify', { backup: id })).backup.verified?.ok);
};

withRestic(
  'restic cannot read a placeholder that it is made to read, and the snapshot without it is removed',
  async (t) => {
    const { backup, guest } = await backedUp(t);
    const folder = join(backup.dir, 'trees', GUEST_ID, 'disks', '0', '0000');
    const [chunk = ''] = await readdir(folder);
    await execa('touch', [join(folder, chunk)]);
    await guest.disk.fill([500], 0x55);
    t.is((await guest.backUp(backup)).backup.whole, NOT_STORED);
    await until('the incomplete snapshot is gone', async () => (await snapshotsOf(backup.dir)).length === 2);
    await requireSound(t, backup, guest);
  },
);

for (const [what, ...commands] of [
  ['deleted', 'forget'],
  ['deleted and pruned', 'forget', '--prune'],
] as const)
  withRestic(`a backup is whole although the last one was ${what} by another host`, async (t) => {
    const { backup, guest } = await backedUp(t);
    const [snapshot] = await snapshotsOf(backup.dir);
    await restic(backup.dir, ...commands, snapshot?.id ?? '');
    await guest.disk.fill([500], 0x55);
    await requireSound(t, backup, guest);
  });

withRestic('a chunk that is missing from the tree is found by the count of files', async (t) => {
  const { backup, guest } = await backedUp(t);
  const folder = join(backup.dir, 'trees', GUEST_ID, 'disks', '0', '0000');
  const [chunk = ''] = await readdir(folder);
  await execa('rm', ['-f', join(folder, chunk)]);
  t.is((await guest.backUp(backup)).backup.whole, NOT_STORED);
  await until('the spoiled snapshot is gone', async () => (await snapshotsOf(backup.dir)).length === 2);
  await requireSound(t, backup, guest);
});

withRestic('data that is gone from the repository is stored again, not as zeros', async (t) => {
  const { backup, guest } = await backedUp(t);
  // A lost pack, and an index that no longer names it.
  await execa('sh', ['-c', `find ${backup.dir}/repository/data -type f | head -n 1 | xargs rm`]);
  await restic(backup.dir, 'rebuild-index');
  await guest.disk.fill([500], 0x55);
  const latest = await guest.backUp(backup);
  t.is(latest.backup.whole, NOT_STORED);
  t.is(await (await restoreDisk(t, backup, latest.backup)).content(), await guest.disk.content());
});

needs('root', ...PARTS)(
  'a user of restic that may read everything is refused before anything is written',
  async (t) => {
    const backup = await startTestBackup(t);
    const guest = await TestGuest.create(t, 8 * MB);
    await t.throwsAsync(startTestBackup(t, { resticUser: 'root' }), { message: /must not run as root/ });
    await execa('chmod', ['444', join(backup.dir, 'trees', '.probe')]);
    await t.throwsAsync(guest.backUp(backup), { message: /can read files that it must not be able to read/ });
    t.deepEqual((await backup.call('List', {})).backups, []);
  },
);

withRestic('verify finds a chunk that became zeros, which restic itself takes for good', async (t) => {
  const { backup } = await backedUp(t);
  // What a backup without the guards would store.
  const dir = await tempDir(t);
  await chmod(dir, 0o755);
  await execa('cp', ['-r', join(backup.dir, 'trees', GUEST_ID), dir]);
  await execa('chmod', ['-R', 'a+rX', join(dir, GUEST_ID)]);
  const [good] = await snapshotsOf(backup.dir);
  const id = randomUUID();
  const tags = (good?.tags ?? []).map((tag) => (tag.startsWith('backup=') ? `backup=${id}` : tag));
  const words = ['backup', '--host', GUEST_ID, ...tags.flatMap((tag) => ['--tag', tag]), GUEST_ID];
  const { program, args, env } = await resticCommand(backup.dir, ...words);
  await execa(program, args, { env, cwd: dir });
  await restic(backup.dir, 'check', '--read-data');
  await t.throwsAsync(backup.call('Verify', { backup: id }), {
    message: /damaged: .* is not what was backed up/,
  });
});

inTurn('an incomplete snapshot is removed although restic has saved it', async (t) => {
  const { backup, guest } = await backedUp(t);
  const restore = await wrapProgram(
    t,
    'restic',
    'case "$*" in *backup*) real=$(type -ap restic | sed -n 2p); "$real" "$@"; exit 3;; esac',
  );
  await t.throwsAsync(guest.backUp(backup), { message: /restic/ });
  restore();
  t.is((await backup.call('List', {})).backups.length, 1);
  await until('the incomplete snapshot is gone', async () => (await snapshotsOf(backup.dir)).length === 1);
  await requireSound(t, backup, guest);
});
