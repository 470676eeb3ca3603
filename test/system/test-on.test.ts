import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { hierarchies } from '../../scripts/test-on/cgroups.js';
import { tryLock } from '../../scripts/test-on/lock.js';
import { cleanUp, Session, type SessionOptions } from '../../scripts/test-on/session.js';
import { needs } from '../helpers/needs.js';
import { tempDir } from '../helpers/temp.js';
import { until } from '../helpers/wait.js';

const test = needs('busybox', 'unshare', 'nsenter', 'setpriv', 'flock', 'root');

/** Long enough for a machine that is busy with other tests. */
const START_MS = 120_000;

const APPLETS = ['env', 'hostname', 'ip', 'sh', 'sleep', 'umount'];
const DIRECTORIES = ['bin', 'dev', 'etc', 'proc', 'root', 'run', 'sys'];

/** A system of one busybox in a cache of its own. */
const tinySystem = async (t: ExecutionContext): Promise<SessionOptions> => {
  const directory = await tempDir(t);
  const base = join(directory, 'base/root');
  for (const name of DIRECTORIES) await mkdir(join(base, name), { recursive: true });
  await copyFile('/bin/busybox', join(base, 'bin/busybox'));
  for (const name of APPLETS) await symlink('busybox', join(base, 'bin', name));
  const system = {
    name: `t${process.pid}${Math.random().toString(36).slice(2, 6)}`,
    script: 'none',
    otherQemu: 'none',
  };
  return { system, directory, base, shared: {} };
};

const cgroupsOf = async ({ system }: SessionOptions): Promise<string[]> =>
  (await hierarchies())
    .map(({ name }) => join('/sys/fs/cgroup', name, `mistify-test-on-${system.name}`))
    .filter((path) => existsSync(path));

const runIn = async (session: Session, script: string): Promise<string> => {
  const [program, ...args] = session.command({
    program: 'sh',
    args: ['-c', script],
    network: 'own',
    env: { PATH: '/bin' },
  });
  return (await execa(program, args)).stdout;
};

test('a system has a network, processes and files of its own, and leaves nothing behind', async (t) => {
  const options = await tinySystem(t);
  const session = await Session.start(options);
  t.teardown(() => session.end());
  const bridge = options.system.name.slice(0, 15);
  await runIn(session, `ip link add ${bridge} type bridge; echo kept > /etc/written`);
  const links = (await runIn(session, 'ip -o link')).split('\n');
  t.deepEqual(links.map((line) => /^\d+: (\w+)/.exec(line)?.[1]).sort(), ['lo', bridge].sort());
  t.is(
    await runIn(session, 'read -r pid _ < /proc/1/stat; echo $pid; hostname'),
    `1\n${options.system.name}`,
  );
  t.false(existsSync(`/sys/class/net/${bridge}`));
  t.true((await cgroupsOf(options)).length > 0);
  await session.end();
  t.false(existsSync(join(options.base, 'etc/written')));
  t.deepEqual(await readdir(options.directory), ['base']);
  t.deepEqual(await cgroupsOf(options), []);
});

test('the processes and mounts of a system end with a killed run, and the next run removes its files', async (t) => {
  const options = await tinySystem(t);
  const module = join(import.meta.dirname, '../../scripts/test-on/session.js');
  const program = `
    const { Session } = await import(${JSON.stringify(module)});
    const session = await Session.start(${JSON.stringify(options)});
    const [program, ...args] = session.command(
      { program: 'sh', args: ['-c', 'sleep 1000 & echo started; wait'], network: 'own', env: { PATH: '/bin' } });
    (await import('node:child_process')).spawn(program, args, { stdio: 'inherit' });`;
  const run = execa(process.execPath, ['--input-type=module', '-e', program], { reject: false });
  let output = '';
  run.stdout.on('data', (text) => {
    output += text;
  });
  await until('the system runs', () => output.includes('started'), START_MS);
  const pids = async (): Promise<string> =>
    (await execa('pgrep', ['-f', options.directory], { reject: false })).stdout;
  run.kill('SIGKILL');
  await run;
  await until('its processes have ended', async () => (await pids()) === '', START_MS);
  t.true(existsSync(join(options.directory, 'run')));
  await cleanUp(options);
  t.deepEqual(await readdir(options.directory), ['base']);
  t.deepEqual(await cgroupsOf(options), []);
});

test('one run at a time has a system, until it ends', async (t) => {
  const path = join(await tempDir(t), 'lock');
  await writeFile(path, '');
  const release = await tryLock(path);
  t.truthy(release);
  t.is(await tryLock(path), undefined);
  release?.();
  await until('the lock is free', async () => {
    const next = await tryLock(path);
    next?.();
    return next !== undefined;
  });
  t.pass();
});
