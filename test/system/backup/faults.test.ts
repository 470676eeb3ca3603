import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { restoreDisk, startTestBackup, type TestBackup, TestGuest } from '../../helpers/backup.js';
import { backedUp, failure, flip, largestPack } from '../../helpers/backup-faults.js';
import { needs, needsInTurn } from '../../helpers/needs.js';
import { Random } from '../../helpers/random.js';
import { locksOf, resticCommand } from '../../helpers/restic.js';
import { fillUp, mountSmall } from '../../helpers/small-disk.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';
import { wrapProgram } from '../../helpers/wrapped-program.js';

const MB = 2 ** 20;
const PARTS = ['restic', 'qemu-nbd', 'qemu-img', 'qemu-io'] as const;
const withRestic = needs(...PARTS);
const asRoot = needs('root', ...PARTS);
/** They change the path of this process. */
const inTurn = needsInTurn(...PARTS);

/** Backs up and restores, and looks for locks. */
const requireSound = async (t: ExecutionContext, backup: TestBackup, guest: TestGuest): Promise<void> => {
  const latest = await guest.backUp(backup);
  t.is(await (await restoreDisk(t, backup, latest.backup)).content(), await guest.disk.content());
  await until('nothing is left to remove', () => readdirSync(join(backup.dir, 'runs')).length === 0);
  t.deepEqual(await locksOf(backup.dir), []);
};

asRoot('a full repository fails a backup with 507, and takes the next one after room was made', async (t) => {
  const small = await mountSmall(t, 8);
  const parent = await tempDir(t);
  const guest = await TestGuest.create(t, 32 * MB);
  const backup = await startTestBackup(t, { repository: join(small, 'repository') }, parent);
  await guest.disk.scatter(new Random(7), 20);
  await guest.backUp(backup);
  const stored = await guest.disk.content();
  const ballast = await fillUp(small);
  await guest.disk.scatter(new Random(8), 100);
  const { message, kind } = await failure(t, guest.backUp(backup));
  t.is(kind, 'no_space');
  t.regex(message, /no space left in the backup repository .*: make room on its file system or server first/);
  // There is no room for a lock either.
  const [listed] = (await backup.call('List', {})).backups;
  if (!listed) return t.fail('the backup is not listed');
  t.true((await backup.call('Verify', { backup: listed.id })).backup.verified?.ok);
  t.is(await (await restoreDisk(t, backup, listed)).content(), stored);
  for (const work of [() => backup.call('Delete', { backup: listed.id }), () => backup.call('Prune', {})])
    t.regex((await failure(t, work())).message, /make room on its file system or server first/);
  await rm(ballast);
  t.is((await backup.call('List', {})).backups.length, 1);
  const latest = await guest.backUp(backup);
  t.is(await (await restoreDisk(t, backup, latest.backup)).content(), await guest.disk.content());
});

asRoot('a full scratch directory fails a backup with 507, and is emptied', async (t) => {
  const small = await mountSmall(t, 16);
  const repository = join(await tempDir(t), 'repository');
  const backup = await startTestBackup(t, { repository }, small);
  const guest = await TestGuest.create(t, 64 * MB);
  const ballast = await fillUp(small);
  await guest.disk.scatter(new Random(7), 300);
  const { message, kind } = await failure(t, guest.backUp(backup));
  t.is(kind, 'no_space', message);
  t.regex(message, /no space left/);
  await rm(ballast);
  t.deepEqual((await backup.call('List', {})).backups, []);
});

withRestic('a repository that is gone fails every call, and is used again when it is back', async (t) => {
  const { backup, guest } = await backedUp(t);
  const path = join(backup.dir, 'repository');
  await rename(path, `${path}.away`);
  await guest.disk.fill([3], 1);
  for (const work of [
    () => guest.backUp(backup),
    () => backup.call('List', {}),
    () => backup.call('Prune', {}),
  ])
    t.regex((await failure(t, work())).message, /repository .* is gone or cannot be reached/);
  // An empty mount point is no new repository.
  await mkdir(path);
  t.regex((await failure(t, guest.backUp(backup))).message, /repository .* (is gone|may not use)/);
  await rm(path, { recursive: true });
  await rename(`${path}.away`, path);
  t.is((await guest.backUp(backup)).backup.whole, undefined);
  await requireSound(t, backup, guest);
});

withRestic('an empty directory in place of a repository in use is not made one', async (t) => {
  const parent = await tempDir(t);
  const { backup, guest } = await backedUp(t, {}, parent);
  await backup.close();
  const path = join(backup.dir, 'repository');
  await rename(path, `${path}.away`);
  await mkdir(path, { mode: 0o777 });
  const next = await startTestBackup(t, {}, parent);
  t.regex((await failure(t, guest.backUp(next))).message, /repository/);
  t.deepEqual(readdirSync(path), []);
});

withRestic('a wrong key fails every call and says where the right one belongs', async (t) => {
  const parent = await tempDir(t);
  const { backup, guest } = await backedUp(t, {}, parent);
  await backup.close();
  await writeFile(join(backup.dir, 'key'), `${'x'.repeat(32)}\n`, { mode: 0o600 });
  const next = await startTestBackup(t, {}, parent);
  for (const work of [() => guest.backUp(next), () => next.call('List', {})])
    t.regex((await failure(t, work())).message, /the key in .*key does not open the backup repository/);
  await next.close();
  await rm(join(backup.dir, 'key'));
  await t.throwsAsync(startTestBackup(t, {}, parent), { message: /key.*is gone: put it back/ });
});

/** Waits until a process has locked the repository, and stops it. */
const stopLocked = async (backup: TestBackup, restic: ChildProcess): Promise<string> => {
  const locks = join(backup.dir, 'repository', 'locks');
  await until('the repository is locked', () => readdirSync(locks).some((name) => name.length === 64));
  restic.kill('SIGSTOP');
  return locks;
};

asRoot('the lock of a process of this host that is gone holds nothing up', async (t) => {
  const { backup, guest } = await backedUp(t, { lockWaitMs: 60_000 });
  const { program, args, env } = await resticCommand(backup.dir, 'check', '--read-data');
  const other = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  t.teardown(() => other.kill('SIGKILL'));
  await stopLocked(backup, other);
  const verified = backup.call('Verify', { backup: guest.since });
  other.kill('SIGKILL');
  t.true((await verified).backup.verified?.ok);
  await requireSound(t, backup, guest);
});

asRoot(
  'a repository that another host has locked is a conflict that names the host, and nothing is lost',
  async (t) => {
    const { backup, guest } = await backedUp(t);
    const { program, args, env } = await resticCommand(backup.dir, 'check', '--read-data');
    const script = 'hostname elsewhere; exec "$@"';
    const other = spawn('unshare', ['--uts', 'sh', '-c', script, 'sh', program, ...args], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    t.teardown(() => other.kill('SIGKILL'));
    const locks = await stopLocked(backup, other);
    await guest.disk.fill([3], 1);
    const [first] = (await backup.call('List', {})).backups;
    for (const work of [
      () => guest.backUp(backup),
      () => backup.call('Prune', {}),
      () => backup.call('Delete', { backup: first?.id }),
    ]) {
      const { message, kind } = await failure(t, work());
      t.is(kind, 'conflict', message);
      t.regex(message, /is in use: try again .* on elsewhere/);
    }
    other.kill('SIGKILL');
    for (const name of readdirSync(locks)) await rm(join(locks, name));
    t.is((await backup.call('List', {})).backups.length, 1);
    await requireSound(t, backup, guest);
  },
);

withRestic('verify finds a flipped byte, and marks the backup', async (t) => {
  const { backup, guest } = await backedUp(t);
  t.true((await backup.call('Verify', { backup: guest.since })).backup.verified?.ok);
  await flip(await largestPack(backup.dir));
  const { message } = await failure(t, backup.call('Verify', { backup: guest.since }));
  t.regex(message, /damaged/);
  const [listed] = (await backup.call('List', {})).backups;
  t.false(listed?.verified?.ok);
  t.is(listed?.problem, message);
  await t.throwsAsync(restoreDisk(t, backup, listed ?? (await guest.backUp(backup)).backup), {
    message: /damaged/,
  });
});

inTurn('restic that makes no progress is stopped, leaves no lock, and the next backup works', async (t) => {
  // A busy machine may hold up a restic that works for some seconds.
  const { backup, guest } = await backedUp(t, { stallMs: 20_000 });
  const restore = await wrapProgram(t, 'restic', 'case "$*" in *backup*) exec sleep 1000;; esac');
  await guest.disk.fill([3], 1);
  t.regex((await failure(t, guest.backUp(backup))).message, /made no progress for 20 s/);
  restore();
  await requireSound(t, backup, guest);
});

test.serial('without restic the list is empty, and other calls say how to install it', async (t) => {
  const { PATH } = process.env;
  const dir = await tempDir(t);
  await chmod(dir, 0o755);
  const bin = join(dir, 'bin');
  await mkdir(bin);
  for (const program of ['setpriv', 'sh', 'flock']) {
    const { stdout } = await execa('sh', ['-c', `command -v ${program}`]);
    await symlink(stdout, join(bin, program));
  }
  process.env.PATH = bin;
  t.teardown(() => {
    process.env.PATH = PATH;
  });
  const backup = await startTestBackup(t);
  t.regex(
    (await failure(t, backup.call('Prune', {}))).message,
    /restic is not installed: install the package restic/,
  );
  process.env.PATH = PATH;
});
