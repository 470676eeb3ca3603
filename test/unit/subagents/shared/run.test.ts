import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../../../lib/files/package-root.js';
import { HEALTH_PATH } from '../../../../lib/rpc/protocol/calls.js';
import { isListening } from '../../../../lib/rpc/protocol/service-address.js';
import { freePort } from '../../../helpers/ports.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

const PROGRAM = join(packageRoot, 'dist/lib/subagents/examples/test-service.js');
const SECRET = '0123456789abcdef0123456789abcdef';

const start = (t: ExecutionContext, args: string[], env: Record<string, string> = {}) => {
  const program = execa(process.execPath, [PROGRAM, ...args], {
    env,
    reject: false,
    stdin: 'ignore',
    all: true,
  });
  let output = '';
  program.all.on('data', (data) => {
    output += data;
  });
  t.teardown(() => program.kill('SIGKILL'));
  return { program, output: () => output };
};

const statusOf = (port: number, secret?: string): Promise<number> =>
  fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`, {
    headers: { connection: 'close', ...(secret ? { authorization: `Bearer ${secret}` } : {}) },
  }).then(
    ({ status }) => status,
    () => 0,
  );

for (const [how, args, env] of [
  ['--socket', (socket: string) => ['--socket', socket], () => ({})],
  ['MISTIFY_SOCKET', () => [], (socket: string) => ({ MISTIFY_SOCKET: socket })],
] as const)
  test(`listens on the socket that ${how} names and removes it on exit`, async (t) => {
    const socket = join(await tempDir(t), 's');
    const { program, output } = start(t, [...args(socket)], env(socket));
    await until('it listens', () => isListening({ socket }));
    t.false(output().includes('accepts calls from every local user'));
    program.kill('SIGTERM');
    t.is((await program).exitCode, 0);
    t.false(await isListening({ socket }));
  });

test('rejects a port together with a socket', async (t) => {
  const { exitCode, all } = await start(t, ['--port', '4711', '--socket', '/s']).program;
  t.is(exitCode, 1);
  t.regex(all ?? '', /'--socket <path>' cannot be used with option '-p, --port <port>'/);
});

test('names a socket that is in use and says what to do', async (t) => {
  const socket = join(await tempDir(t), 's');
  start(t, ['--socket', socket]);
  await until('it listens', () => isListening({ socket }));
  const { exitCode, all } = await start(t, ['--socket', socket]).program;
  t.is(exitCode, 1);
  t.true(
    all?.includes(`socket ${socket} is in use: stop the program that listens there, or choose another`),
    all,
  );
});

test('accepts every call on a port without a secret, and warns once', async (t) => {
  const port = await freePort();
  const { output } = start(t, ['--port', String(port)]);
  await until('it answers', async () => (await statusOf(port)) === 200);
  t.is(output().split('accepts calls from every local user').length - 1, 1, output());
});

test('requires the secret of --secret-file and never logs it', async (t) => {
  const [port, file] = [await freePort(), join(await tempDir(t), 'secret')];
  await writeFile(file, `${SECRET}\n`, { mode: 0o600 });
  const { output } = start(t, ['--port', String(port), '--secret-file', file, '--log-level', 'trace']);
  await until('it answers', async () => (await statusOf(port)) === 401);
  t.is(await statusOf(port, SECRET), 200);
  t.false(output().includes('accepts calls from every local user'));
  t.false(output().includes(SECRET));
});

test('does not start with a secret file that others can read', async (t) => {
  const file = join(await tempDir(t), 'secret');
  await writeFile(file, SECRET, { mode: 0o644 });
  const { exitCode, all } = await start(t, ['--port', '0', '--secret-file', file]).program;
  t.is(exitCode, 1);
  t.true(all?.includes(`chmod 600 ${file}`), all);
  t.false(all?.includes(SECRET));
});

test('requires the secret of MISTIFY_SECRET and hides it from child processes', async (t) => {
  const dir = await tempDir(t);
  const port = await freePort();
  const module = (path: string): string => JSON.stringify(join(packageRoot, 'dist/lib', path));
  const script = join(dir, 'child.mjs');
  await writeFile(
    script,
    `import { execFileSync } from 'node:child_process';
     import { writeFileSync } from 'node:fs';
     import { runSubAgent } from ${module('subagents/shared/run.js')};
     import { SubAgent } from ${module('rpc/server/sub-agent.js')};
     await runSubAgent({ name: 'child', description: '', defaultPort: ${port}, start: (_, log) => {
       writeFileSync(${JSON.stringify(join(dir, 'env'))}, execFileSync('env'));
       return { subAgent: new SubAgent({ name: 'child', log }) };
     } });`,
  );
  const program = execa(process.execPath, [script], { env: { MISTIFY_SECRET: SECRET }, reject: false });
  t.teardown(() => program.kill('SIGKILL'));
  await until('it answers', async () => (await statusOf(port)) === 401);
  t.is(await statusOf(port, SECRET), 200);
  t.false((await readFile(join(dir, 'env'), 'utf8')).includes('MISTIFY_SECRET'));
});
