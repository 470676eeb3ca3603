import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { isAlive } from './program.js';
import { until } from './wait.js';

/** OpenZFS is a part of the kernel; zfs-fuse is a daemon. */
const HAS_OPEN_ZFS = existsSync('/dev/zfs');

/** What `needs` is to look for. */
export const ZFS_PARTS = ['zpool', 'zfs', 'root', ...(HAS_OPEN_ZFS ? [] : ['zfs-fuse'])];

/** A host has one zfs-fuse, which the test processes share: who uses it, and the pid of the one they started. */
const SHARED = join(tmpdir(), 'mistify-test-zfs');
const USERS = join(SHARED, 'users');
const PID_FILE = join(SHARED, 'pid');
const LOCK = join(tmpdir(), 'mistify-test-zfs.lock');

const pool = (pid: number): string => `mt${pid}`;

const run = async (program: 'zfs' | 'zpool', ...args: string[]): Promise<string> =>
  (await execa(program, args, { env: { LC_ALL: 'C' } })).stdout;

export const zfs = (...args: string[]): Promise<string> => run('zfs', ...args);

const tryLock = async (): Promise<boolean> => {
  try {
    const file = await open(LOCK, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch {
    const holder = Number(await readFile(LOCK, 'utf8').catch(() => ''));
    if (holder > 0 && !isAlive(holder)) await rm(LOCK, { force: true });
    return false;
  }
};

const locked = async <T>(work: () => Promise<T>): Promise<T> => {
  await until('no other process starts or ends zfs-fuse', tryLock, 60_000);
  try {
    return await work();
  } finally {
    await rm(LOCK, { force: true });
  }
};

const daemonAnswers = async (): Promise<boolean> =>
  !(await execa('zpool', ['list', '-H'], { reject: false })).failed;

const startDaemon = async (): Promise<void> => {
  if (HAS_OPEN_ZFS || (await daemonAnswers())) return;
  await rm(PID_FILE, { force: true });
  await execa('zfs-fuse', ['--pidfile', PID_FILE], { stdio: 'ignore' });
  await until('zfs-fuse answers', daemonAnswers);
};

const endDaemon = async (): Promise<void> => {
  const pid = Number(await readFile(PID_FILE, 'utf8').catch(() => ''));
  if (pid > 0 && isAlive(pid)) {
    process.kill(pid);
    // Not until its process is gone: it may stay as a zombie where nobody is there to bury it.
    await until('zfs-fuse has ended', async () => !(await daemonAnswers()));
  }
  await rm(SHARED, { recursive: true, force: true });
};

/** Removes the pools of test processes that were killed; one that is still busy is left to the next who comes. */
const destroyLeftOver = async (): Promise<void> => {
  for (const user of await readdir(USERS)) {
    if (isAlive(Number(user))) continue;
    const names = (await run('zpool', 'list', '-H', '-o', 'name')).split('\n');
    const theirs = names.filter((name) => name.startsWith(`${pool(Number(user))}-`));
    const destroyed = await Promise.all(
      theirs.map((name) => execa('zpool', ['destroy', '-f', name], { reject: false, timeout: 10_000 })),
    );
    if (destroyed.every(({ failed }) => !failed)) await rm(join(USERS, user), { force: true });
  }
};

/** A ZFS pool in a file of a temporary directory. */
export interface TestPool {
  name: string;
  mountpoint: string;
  destroy: () => Promise<void>;
}

let made = 0;
let inUse = 0;

/** Makes a pool of this process's own. Whoever makes one must destroy it. */
export const createPool = async (mb = 1024): Promise<TestPool> => {
  const dir = await mkdtemp(join(tmpdir(), 'mtz-'));
  const [file, mountpoint] = [join(dir, 'vdev'), join(dir, 'pool')];
  await writeFile(file, '');
  await truncate(file, mb * 2 ** 20);
  made += 1;
  const name = `${pool(process.pid)}-${made}`;
  await locked(async () => {
    await mkdir(USERS, { recursive: true });
    await startDaemon();
    await destroyLeftOver();
    await writeFile(join(USERS, String(process.pid)), '');
    await run('zpool', 'create', '-o', 'cachefile=none', '-m', mountpoint, name, file);
    inUse += 1;
  });
  const destroy = async (): Promise<void> => {
    await locked(async () => {
      await until(`pool ${name} is destroyed`, async () => {
        const { stderr, failed } = await execa('zpool', ['destroy', '-f', name], { reject: false });
        return !failed || stderr.includes('no such pool');
      });
      inUse -= 1;
      if (inUse > 0) return;
      await rm(join(USERS, String(process.pid)), { force: true });
      if (!HAS_OPEN_ZFS && (await readdir(USERS)).length === 0) await endDaemon();
    });
    await rm(dir, { recursive: true, force: true });
  };
  return { name, mountpoint, destroy };
};
