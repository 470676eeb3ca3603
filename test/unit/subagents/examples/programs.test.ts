import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import getPort from 'get-port';
import { HEALTH_PATH } from '../../../../lib/rpc/protocol/calls.js';
import { until } from '../../../helpers/wait.js';

const EXAMPLES = new URL('../../../../lib/subagents/examples/', import.meta.url);

const start = (t: ExecutionContext, name: string, args: string[], env: Record<string, string> = {}) => {
  const path = fileURLToPath(new URL(`${name}.js`, EXAMPLES));
  const program = execa(process.execPath, [path, ...args], { env, reject: false, stdin: 'ignore' });
  t.teardown(() => program.kill('SIGKILL'));
  return program;
};

const responds = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`, { headers: { connection: 'close' } }).then(
    ({ ok }) => ok,
    () => false,
  );

test('test-service listens on MISTIFY_PORT and exits on SIGTERM', async (t) => {
  const port = await getPort();
  const program = start(t, 'test-service', [], { MISTIFY_PORT: String(port) });
  await until('the program responds', () => responds(port), 30_000);
  program.kill('SIGTERM');
  t.is((await program).exitCode, 0);
});

test('simple listens on --port', async (t) => {
  const port = await getPort();
  start(t, 'simple', ['--port', String(port), '--percent', '10']);
  await until('the program responds', () => responds(port), 30_000);
  t.pass();
});

test('webhook does not start without an endpoint', async (t) => {
  const { exitCode, stderr } = await start(t, 'webhook', []);
  t.is(exitCode, 1);
  t.regex(stderr, /required option '-e, --endpoint <url>' not specified/);
});
