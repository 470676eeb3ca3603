import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { callApi } from '../../helpers/api.js';
import { PROGRAM, runProgram } from '../../helpers/program.js';
import { serveRaw } from '../../helpers/raw-service.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const writeConfig = async (t: ExecutionContext, name: string, content: unknown): Promise<string> => {
  const path = join(await tempDir(t), name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

/** Starts the agent until the test ends. Returns its URL and its standard output. */
const serve = async (t: ExecutionContext, ...args: string[]) => {
  const child = spawn(process.execPath, [PROGRAM, '-a', ':0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  t.teardown(async () => {
    const exited = once(child, 'exit');
    if (child.kill('SIGTERM')) await exited;
  });
  const [, url = ''] = await until('the agent listens', () => /listens on (\S+)/.exec(stderr));
  return { url, stdout: () => stdout };
};

// One after the other: each start takes a second of a core.
test.serial('merges several config files and directories', async (t) => {
  const dir = await tempDir(t);
  await mkdir(join(dir, 'conf.d'));
  const service = { port: await serveRaw(t, (_request, response) => response.writeHead(404).end()) };
  await writeFile(join(dir, 'services.json'), JSON.stringify({ services: { svc: service } }));
  const stages = [{ service: 'svc', method: 'A.B' }];
  await writeFile(join(dir, 'conf.d/actions.json'), JSON.stringify({ actions: { start: { stages } } }));
  await writeFile(join(dir, 'conf.d/state.json'), JSON.stringify({ dbpath: join(dir, 'db') }));
  const { url } = await serve(t, '-c', join(dir, 'services.json'), '--config-file', join(dir, 'conf.d'));
  t.like(await callApi(url, 'GET', '/guests'), { status: 200, text: '[]' });
});

test.serial(
  'with -l debug, errors include their stack and the log has info lines; with -l error, neither',
  async (t) => {
    for (const level of ['debug', 'error']) {
      const config = await writeConfig(t, 'a.json', { dbpath: join(await tempDir(t), 'db') });
      const { url, stdout } = await serve(t, '-l', level, '-c', config);
      const { body } = await callApi(url, 'GET', '/nowhere');
      t.is((body as { stack: string[] }).stack.length > 0, level === 'debug');
      t.is(stdout().includes('agent listening'), level === 'debug');
    }
  },
);

test.serial("accepts the original agent's log level names", async (t) => {
  const config = await writeConfig(t, 'a.json', { dbpath: join(await tempDir(t), 'db') });
  const { url } = await serve(t, '--log-level', 'warning', '-c', config);
  t.is((await callApi(url, 'GET', '/guests')).status, 200);
});

test.serial(
  'does not start with an invalid config, and reports the file and key of every error',
  async (t) => {
    const path = await writeConfig(t, 'wrong.json', {
      services: { svc: {} },
      actions: { frobnicate: {}, start: { stages: [{ service: 'svc' }] } },
    });
    const { exitCode, stderr } = await runProgram('-c', path);
    t.is(exitCode, 1);
    t.true(stderr.includes(`${path}: services.svc: give either a port`), stderr);
    t.true(stderr.includes(`${path}: actions.start.stages[0].method is required`), stderr);
    t.false(stderr.includes('    at '), stderr);
  },
);

test.serial('names a config file that does not exist', async (t) => {
  const { exitCode, stderr } = await runProgram('-c', '/nowhere/agent.json');
  t.is(exitCode, 1);
  t.regex(stderr, /\/nowhere\/agent\.json: does not exist/);
});

test.serial('names an address that is in use and suggests -a', async (t) => {
  const port = await serveRaw(t, () => {});
  const config = await writeConfig(t, 'a.json', { dbpath: join(await tempDir(t), 'db') });
  const { exitCode, stderr } = await runProgram('-a', `:${port}`, '-c', config);
  t.is(exitCode, 1);
  t.regex(stderr, new RegExp(`EADDRINUSE.*${port}.*-a`));
});

for (const args of [['-a', 'nonsense'], ['-l', 'loud'], ['--frobnicate']])
  test.serial(`rejects ${args.join(' ')} with exit code 1`, async (t) => {
    const { exitCode, stderr } = await runProgram(...args);
    t.is(exitCode, 1);
    t.regex(stderr, /error: /);
  });

test.serial('--help describes each option', async (t) => {
  const { exitCode, stdout } = await runProgram('--help');
  t.is(exitCode, 0);
  for (const option of ['-a, --address', '-l, --log-level', '-c, --config-file'])
    t.true(stdout.includes(option));
});
