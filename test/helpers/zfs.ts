import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { MOUNTING_ZFS } from './parts.js';
import { isAlive } from './program.js';
import { until } from './wait.js';

/** OpenZFS is a part of the kernel; zfs-fuse is a daemon. */
const HAS_OPEN_ZFS = existsSync('/dev/zfs');

/** The requirements to pass to `needs`. */
export const ZFS_PARTS = ['zpool', 'zfs', 'root', ...(HAS_OPEN_ZFS ? [] : ['zfs-fuse']), MOUNTING_ZFS];

/**
 * The state of the host's one zfs-fuse, which the test processes share: its users, and the pid if a test started it.
 */
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
  await until('no other process starts or stops zfs-fuse', tryLock, 60_000);
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
  await until('zfs-fuse responds', daemonAnswers);
};

const stopDaemon = async (): Promise<void> => {
  const pid = Number(await readFile(PID_FILE, 'utf8').catch(() => ''));
  if (pid > 0 && isAlive(pid)) {
    process.kill(pid);
    // The process itself may stay a zombie if nothing reaps it.
    await until('zfs-fuse has stopped', async () => !(await daemonAnswers()));
  }
  await rm(SHARED, { recursive: true, force: true });
};

/** Destroys the pools of killed test processes. A busy pool is left to the next test process. */
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

/** A ZFS pool in a temporary file. */
export interface TestPool {
  name: string;
  mountpoint: string;
  destroy: () => Promise<void>;
}

let created = 0;
let inUse = 0;

/**
 * Creates a pool, which the caller must destroy.
 * @param mb size in MB
 */
export const createPool = async (mb = 1024): Promise<TestPool> => {
  const dir = await mkdtemp(join(tmpdir(), 'mtz-'));
  const [file, mountpoint] = [join(dir, 'vdev'), join(dir, 'pool')];
  await writeFile(file, '');
  await truncate(file, mb * 2 ** 20);
  created += 1;
  const name = `${pool(process.pid)}-${created}`;
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
      if (!HAS_OPEN_ZFS && (await readdir(USERS)).length === 0) await stopDaemon();
    });
    await rm(dir, { recursive: true, force: true });
  };
  return { name, mountpoint, destroy };
};
