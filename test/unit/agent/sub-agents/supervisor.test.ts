import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Secrets } from '../../../../lib/agent/sub-agents/secrets.js';
import { superviseServices } from '../../../../lib/agent/sub-agents/supervisor.js';
import { isListening, type ServiceAddress } from '../../../../lib/rpc/protocol/service-address.js';
import { waitUntilGone } from '../../../helpers/program.js';
import { leaveStaleSocket } from '../../../helpers/sockets.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

/** Supervises a service that runs a script, and that appends a line of JSON to `starts` at each start. */
const supervise = async (
  t: ExecutionContext,
  script: string,
  command?: string[],
  address: ServiceAddress = { port: 4711 },
  healthTimeout = 60,
) => {
  const dbpath = await tempDir(t);
  const starts = join(dbpath, 'starts');
  const note = `require('fs').appendFileSync(${JSON.stringify(starts)}, JSON.stringify({pid: process.pid, ...process.env}) + '\\n');`;
  const service = {
    ...address,
    path: '/',
    max_pending: 1,
    health_timeout: healthTimeout,
    command: command ?? [process.execPath, '-e', `${note}${script}`],
  };
  const config = {
    services: new Map([['svc', service]]),
    actions: new Map(),
    dbpath,
    server: {},
    events: {},
    guests: {},
    warnings: [],
    privateAddresses: [],
    quota: {},
    schedules: {},
    catalogue: { sources: new Map() },
    fleet: {},
  };
  const secrets = await Secrets.load(config.services);
  const supervisor = superviseServices(config, secrets, silentLog);
  t.teardown(() => supervisor.stop());
  const read = async (): Promise<{ pid: number; [name: string]: unknown }[]> => {
    const text = await readFile(starts, 'utf8').catch(() => '');
    // The text after the last newline is still being written.
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  };
  return { supervisor, read, dbpath, secret: secrets.get(address) };
};

const started = <Start>(read: () => Promise<Start[]>, times: number) =>
  until(`it was started ${times} times`, async () => (await read())[times - 1]);

const RUN_FOREVER = 'setInterval(() => {}, 1e6);';

test('passes the port, the log level, the state and the run directory', async (t) => {
  const { read, dbpath } = await supervise(t, RUN_FOREVER);
  t.like(await started(read, 1), {
    MISTIFY_PORT: '4711',
    MISTIFY_LOG_LEVEL: 'silent',
    MISTIFY_STATE_DIR: `${dbpath}/svc`,
    MISTIFY_RUN_DIR: `${dbpath}/run`,
  });
});

test('passes the secret, and no socket, to a service on a port', async (t) => {
  const { read, secret } = await supervise(t, RUN_FOREVER);
  const { MISTIFY_SECRET, MISTIFY_SOCKET } = await started(read, 1);
  t.true((secret?.length ?? 0) >= 32);
  t.is(MISTIFY_SECRET, secret);
  t.is(MISTIFY_SOCKET, undefined);
});

test('passes the socket, no port and no secret, and removes a stale socket', async (t) => {
  const socket = join(await tempDir(t), 's');
  await leaveStaleSocket(socket);
  const note = 'require("net").createServer().listen(process.env.MISTIFY_SOCKET);';
  const { read, secret } = await supervise(t, note, undefined, { socket });
  const { MISTIFY_PORT, MISTIFY_SECRET, MISTIFY_SOCKET } = await started(read, 1);
  t.deepEqual([MISTIFY_SOCKET, MISTIFY_PORT, MISTIFY_SECRET], [socket, undefined, undefined]);
  t.is(secret, undefined);
  await until('it listens', () => isListening({ socket }));
});

test('restarts a service that exits, with growing delays', async (t) => {
  const startedAt = Date.now();
  const { read } = await supervise(t, 'process.exit(3);');
  await started(read, 3);
  t.true(Date.now() - startedAt >= 750, `${Date.now() - startedAt} ms`);
});

/** Serves the health call, and creates a file once it has answered one. */
const SERVE = `
  const { writeFileSync } = require('fs');
  const { MISTIFY_SOCKET: socket } = process.env;
  const answer = (_, response) => response.end('{}', () => writeFileSync(socket + '-answered', ''));
  require('http').createServer(answer).listen(socket);`;

test('replaces a service that has answered and then hangs, and says why', async (t) => {
  const socket = join(await tempDir(t), 's');
  const answered = `${socket}-answered`;
  const { supervisor, read } = await supervise(t, SERVE, undefined, { socket }, 0.4);
  const reasons: string[] = [];
  supervisor.onHang((_address, reason) => reasons.push(reason));
  const { pid } = await started(read, 1);
  // The agent does not end a service that has never answered.
  await until('it has answered', () => existsSync(answered));
  await rm(answered);
  await until('it has answered twice', () => existsSync(answered));
  process.kill(pid, 'SIGSTOP');
  t.not((await started(read, 2)).pid, pid);
  await waitUntilGone(pid);
  const reason = 'it did not answer its health call for 0.4 s, so the agent ended it';
  t.deepEqual(reasons, [reason]);
  t.is(supervisor.exits.hang({ socket }), reason);
  t.deepEqual(supervisor.restarts.get('svc'), { exited: 0, hung: 1 });
});

test('stops its service for good', async (t) => {
  const { supervisor, read } = await supervise(t, RUN_FOREVER);
  const { pid } = await started(read, 1);
  await supervisor.stop();
  await waitUntilGone(pid);
  t.is((await read()).length, 1);
});

test('stops at once while a service waits for its restart', async (t) => {
  const { supervisor, read } = await supervise(t, 'process.exit(1);');
  await started(read, 4);
  const startedAt = Date.now();
  await supervisor.stop();
  t.true(Date.now() - startedAt < 1900, `${Date.now() - startedAt} ms`);
});

test('stops although the command does not exist', async (t) => {
  const { supervisor } = await supervise(t, '', ['/nowhere/no-such-program']);
  await t.notThrowsAsync(supervisor.stop());
});

for (const [what, script, reason] of [
  [
    'the lines that it printed',
    "console.error('the pool\\n\\n  is gone'); process.exit(3);",
    'it exited with code 3: the pool; is gone',
  ],
  ['its exit code alone', 'process.exit(4);', 'it exited with code 4'],
  ['the signal', "process.kill(process.pid, 'SIGKILL');", 'it was ended by SIGKILL'],
  [
    'the log, for a crash report',
    "throw new Error('a defect');",
    "it exited with code 1: the agent's log has its error messages",
  ],
] as const)
  test(`gives the reason of an exit: ${what}`, async (t) => {
    const { supervisor } = await supervise(t, script);
    const given = () => supervisor.exits.reason({ port: 4711 });
    await until(`the reason is: ${reason}`, () => given() === reason);
    t.is(given(), reason);
    t.is(supervisor.exits.reason({ port: 4712 }), undefined);
  });
