import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import axios from 'axios';
import { mistify } from '../../helpers/command-line.js';
import { PROGRAM, runProgram } from '../../helpers/program.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G27.

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
  t.regex(listed, /^ci +operate +all +2\S+ +2\S+$/m);
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
  'mistify token creates a token for some guests, with the rights that can be for some',
  async (t) => {
    const { config, dir } = await writeConfig(t);
    const run = (...args: string[]) => mistify(t, 'http://127.0.0.1:1', 'token', ...args, '-c', config);
    t.is((await run('create', 'bob', '--can', 'power,console', '--guests', 'tag=web')).exitCode, 0);
    const [noted] = (await readFile(join(dir, 'db', 'audit.log'), 'utf8')).split('\n');
    t.like(JSON.parse(noted ?? ''), { event: 'right', change: 'token created', name: 'bob' });
    t.notRegex(noted ?? '', /mistify_|sha256/);
    t.regex((await run('list')).stdout, /^bob +look,console,power +tag=web +2\S+ +never$/m);
    const refused: [string[], RegExp][] = [
      [['--can', 'power', '--scope', 'read'], /--scope/],
      [['--can', 'fly'], /"fly" is no right: choose from metrics, look/],
      [['--can', 'host', '--guests', 'tag=web'], /"host" concerns the whole host/],
      [['--scope', 'metrics', '--guests', 'tag=web'], /"metrics" concerns the whole host/],
      [['--guests', 'web-1'], /give tag=TAG, or the id of a guest/],
    ];
    for (const [options, words] of refused) {
      const { exitCode, stderr } = await run('create', 'eve', ...options);
      t.is(exitCode, 2, options.join(' '));
      t.regex(stderr, words);
    }
  },
);

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

/** Starts the program on a free port and returns its URL. */
const startProgram = async (t: ExecutionContext, config: string): Promise<string> => {
  const child = spawn(process.execPath, [PROGRAM, '-a', ':0', '-c', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(async () => {
    const exited = once(child, 'exit');
    if (child.kill('SIGTERM')) await exited;
  });
  let output = '';
  child.stderr.on('data', (data) => {
    output += data;
  });
  return until('it listens', () => /listens on (\S+)/.exec(output)?.[1], 60_000);
};

test.serial('mistify token rejects the address of an agent with another state', async (t) => {
  const { dir } = await writeConfig(t);
  const socket = join(dir, 'api.sock');
  const { config } = await writeConfig(t, { socket: { path: socket } });
  const url = await startProgram(t, config);
  const run = (...args: string[]) => mistify(t, '', 'token', ...args, '-c', config);
  await until('its address is recorded', async () => (await run('list', '--url', url)).exitCode === 0);
  t.is((await run('create', 'same', '--url', url.replace('127.0.0.1', 'localhost'))).exitCode, 0);
  t.is((await run('create', 'socket', '--socket', socket)).exitCode, 0);
  for (const [address, words] of [
    [
      ['--url', 'http://127.0.0.1:1'],
      /--url names http:\/\/127\.0\.0\.1:1, but the agent .* listens on http/,
    ],
    [['--url', url.replace('http:', 'https:')], /listens on http:/],
    [['--url', 'http://192.0.2.1:8080'], /an agent on another host/],
    [['--socket', '/nowhere.sock'], /--socket names unix:\/nowhere\.sock/],
  ] as [string[], RegExp][])
    for (const command of [['create', 'other'], ['list'], ['revoke', 'same']]) {
      const { exitCode, stderr } = await run(...command, ...address);
      t.is(exitCode, 2, stderr);
      t.regex(stderr, words);
    }
  const { stdout } = await run('list', '--json');
  t.deepEqual(
    (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name),
    ['same', 'socket'],
  );
});

test.serial('mistify token rejects an address while no agent with its state runs', async (t) => {
  const { config } = await writeConfig(t);
  const run = (url: string, ...args: string[]) => mistify(t, url, 'token', 'create', ...args);
  const refused = await run('', 'ci', '-c', config, '--url', 'http://127.0.0.1:1');
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /no agent with its state in .* is running\n.*-c/);
  const byVariable = await run('http://192.0.2.1:8080', 'ci');
  t.is(byVariable.exitCode, 2);
  t.regex(byVariable.stderr, /MISTIFY_URL names http:\/\/192\.0\.2\.1:8080, an agent on another host/);
  t.is((await run('http://192.0.2.1:8080', 'ci', '-c', config)).exitCode, 0);
});
