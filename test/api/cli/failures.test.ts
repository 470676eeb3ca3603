import test from 'ava';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';
import { refusingPort } from '../../helpers/ports.js';
import { serveFixed } from '../../helpers/raw-service.js';
import { gate, until } from '../../helpers/wait.js';

const ID = '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';

test.serial('exits with 4 and a hint when the agent is not running', async (t) => {
  const url = `http://127.0.0.1:${await refusingPort(t)}`;
  const { exitCode, stdout, stderr } = await mistify(t, url, 'guest', 'list');
  t.is(exitCode, 4);
  t.is(stdout, '');
  t.regex(stderr, /^error: cannot reach the agent: .*ECONNREFUSED.*\n.*`npm start`/);
  t.false(stderr.includes('    at '), stderr);
});

test.serial('exits with 4 when another server responds', async (t) => {
  const url = `http://127.0.0.1:${await serveFixed(t, 200, '<html>')}`;
  const { exitCode, stdout, stderr } = await mistify(t, url, 'guest', 'list');
  t.is(exitCode, 4);
  t.is(stdout, '');
  t.regex(stderr, /^error: the server at this address is not an agent/);
});

test.serial('exits with 5 and a hint when a token is required', async (t) => {
  const url = `http://127.0.0.1:${await serveFixed(t, 401, '{"message": "token required"}')}`;
  const { exitCode, stderr } = await mistify(t, url, 'guest', 'list');
  t.is(exitCode, 5);
  t.regex(stderr, /^error: token required\n.*--token-file/);
});

test.serial('exits with 1 and the reason when the job fails', async (t) => {
  const fail = (): never => {
    throw new Error('no room');
  };
  const { url } = await serveApi(t, { methods: { 'Test.create': fail } });
  const { exitCode, stderr } = await mistify(t, url, 'guest', 'create', '--disk', '64', '--wait');
  t.is(exitCode, 1);
  t.regex(stderr, /^error: create: .*no room/);
});

test.serial('shows why a guest could not be created', async (t) => {
  const fail = (): never => {
    throw new Error('no room');
  };
  const { url } = await serveApi(t, { methods: { 'Test.create': fail } });
  await mistify(t, url, 'guest', 'create', '--disk', '64', '--id', ID, '--wait');
  const { exitCode, stdout, stderr } = await mistify(t, url, 'guest', 'show', ID);
  t.is(exitCode, 0);
  t.regex(stdout, /^state +error$/m);
  t.regex(stderr, /^create failed: .*no room \(job [0-9a-f-]{36}\)$/);
});

test.serial('exits with 4 and a hint when the agent goes away during --wait', async (t) => {
  const { opened, open } = gate();
  t.teardown(open);
  const { url, context, end } = await serveApi(t, { methods: { 'Test.start': () => opened } });
  await addGuest(context, { id: ID, state: 'shutoff' });
  const waiting = mistify(t, url, 'guest', 'start', ID, '--wait');
  const [job] = await until('the job is queued', () =>
    context.jobs.list().length > 0 ? context.jobs.list() : undefined,
  );
  await end();
  const { exitCode, stderr } = await waiting;
  t.is(exitCode, 4);
  t.regex(
    stderr,
    new RegExp(`cannot reach the agent[\\s\\S]*continues.*mistify job wait ${job?.ID.slice(0, 8)}`),
  );
});

test.serial('exits with 2 and the message of the agent when it rejects the request', async (t) => {
  const { url } = await serveApi(t);
  const { exitCode, stderr } = await mistify(t, url, 'guest', 'create', '--disk', '64', '--memory', '0');
  t.is(exitCode, 2);
  t.regex(stderr, /"memory" must be at least 1 MB, got 0/);
});

test.serial('exits with 6 on a conflict', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID });
  t.is((await mistify(t, url, 'guest', 'create', '--disk', '64', '--id', ID)).exitCode, 6);
});

for (const args of [
  [],
  ['guest'],
  ['guest', 'frobnicate'],
  ['guest', 'show'],
  ['guest', 'list', '--frobnicate'],
  ['guest', 'create', '--memory', 'much'],
  ['--url', 'http://a', '--socket', '/b', 'guest', 'list'],
  ['--url', 'nonsense', 'guest', 'list'],
])
  test.serial(`exits with 2 and a pointer to the usage: mistify ${args.join(' ')}`, async (t) => {
    const { exitCode, stdout, stderr } = await mistify(t, 'http://127.0.0.1:1', ...args);
    t.is(exitCode, 2);
    t.is(stdout, '');
    t.regex(stderr, /--help|-h|--url/);
  });

for (const args of [
  [],
  ['guest'],
  ['guest', 'create'],
  ['snapshot'],
  ['image'],
  ['storage'],
  ['job'],
  ['metadata'],
  ['top'],
])
  test.serial(`prints help with examples: mistify ${[...args, '-h'].join(' ')}`, async (t) => {
    const { exitCode, stdout } = await mistify(t, 'http://127.0.0.1:1', ...args, '-h');
    t.is(exitCode, 0);
    t.regex(stdout, /Examples:\n {2}mistify /);
    // Options that every command takes are on the first page alone.
    t.regex(stdout, args.length === 0 ? /--url <url>/ : /Every command takes --json, .*: mistify --help/);
  });
