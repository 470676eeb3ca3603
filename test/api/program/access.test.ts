import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import axios from 'axios';
import { mistify } from '../../helpers/command-line.js';
import { PROGRAM, runProgram } from '../../helpers/program.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const writeConfig = async (
  t: ExecutionContext,
  server: unknown = {},
): Promise<{ config: string; dir: string }> => {
  const dir = await tempDir(t);
  const config = join(dir, 'agent.json');
  await writeFile(config, JSON.stringify({ dbpath: join(dir, 'db'), server }));
  return { config, dir };
};

// One after the other: each start takes a second of a core.
for (const address of ['0.0.0.0:0', '[::]:0'])
  test.serial(`does not start on ${address} without authentication, and says what to do`, async (t) => {
    const { config } = await writeConfig(t);
    const { exitCode, stderr } = await runProgram('-a', address, '-c', config);
    t.is(exitCode, 1);
    t.regex(stderr, /control of this host: set server\.auth and server\.tls/);
  });

test.serial('does not accept tokens over a network without TLS', async (t) => {
  const { config } = await writeConfig(t, { auth: ['token'] });
  const { exitCode, stderr } = await runProgram('-a', '0.0.0.0:0', '-c', config);
  t.is(exitCode, 1);
  t.regex(stderr, /listening on 0\.0\.0\.0 without TLS .* in the clear: set server\.tls/);
});

test.serial('does not start with client certificates but no authority for them', async (t) => {
  const { config } = await writeConfig(t, { auth: ['certificate'] });
  const { exitCode, stderr } = await runProgram('-a', '127.0.0.1:0', '-c', config);
  t.is(exitCode, 1);
  t.regex(stderr, /"certificate": set server\.tls\.client_ca/);
});

test.serial('mistify token creates, lists and revokes tokens while the agent is stopped', async (t) => {
  const { config } = await writeConfig(t);
  const run = (...args: string[]) => mistify(t, 'http://127.0.0.1:1', 'token', ...args, '-c', config);
  const { stdout: token } = await run('create', 'ci', '--scope', 'operate', '--expires', '30d');
  t.regex(token, /^mistify_[\w-]{43}\n?$/);
  const { stdout: listed } = await run('list');
  t.regex(listed, /^ci +operate +2\S+ +2\S+$/m);
  t.false(listed.includes(token.trim()));
  t.like(await run('create', 'ci'), {
    exitCode: 6,
    stderr: 'error: token ci already exists: revoke it, or choose another name',
  });
  t.is((await run('revoke', 'ci')).exitCode, 0);
  t.is((await run('list', '--json')).stdout, '[]');
  t.is((await run('revoke', 'ci')).exitCode, 3);
});

test.serial(
  'mistify token list without tokens prints the command that creates one for the same agent',
  async (t) => {
    const { config, dir } = await writeConfig(t);
    const ours = join(dir, "the agent's.json");
    await copyFile(config, ours);
    const list = (...args: string[]) => mistify(t, 'http://127.0.0.1:1', 'token', 'list', ...args);
    const quoted = ours.replace("'", "'\\''");
    for (const [given, said] of [
      [['-c', config], `-c ${config}`],
      [['-c', config, '-c', ours], `-c ${config} -c '${quoted}'`],
    ] as const) {
      const { stderr } = await list(...given);
      t.is(stderr.split('\n')[0], `no tokens; create one with: mistify token create NAME ${said}`);
    }
  },
);

test.serial('serves a unix socket with the configured mode', async (t) => {
  const { dir } = await writeConfig(t);
  const path = join(dir, 'api.sock');
  const { config } = await writeConfig(t, { socket: { path, mode: '0660' } });
  const child = spawn(process.execPath, [PROGRAM, '-a', ':0', '-c', config], { stdio: 'ignore' });
  t.teardown(async () => {
    const exited = once(child, 'exit');
    if (child.kill('SIGTERM')) await exited;
  });
  const { mode } = await until('the socket exists', () => stat(path).catch(() => undefined), 60_000);
  t.is(mode & 0o777, 0o660);
  const { status, data } = await axios.get('http://localhost/guests', { socketPath: path, proxy: false });
  t.is(status, 200);
  t.deepEqual(data, []);
});
