import { access, chmod, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { RpcClient } from '../../../../lib/rpc/client/client.js';
import { RPC_PATH } from '../../../../lib/rpc/protocol/calls.js';
import { guestRequestSchema } from '../../../../lib/rpc/protocol/guest-messages.js';
import { SubAgent } from '../../../../lib/rpc/server/sub-agent.js';
import { needs } from '../../../helpers/needs.js';
import { leaveStaleSocket, runAsNobody } from '../../../helpers/sockets.js';
import { GUEST_ID, silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';

// Guarantees: G21.

const echo = (): SubAgent =>
  new SubAgent({ name: 'echo', log: silentLog }).method('Echo.Do', guestRequestSchema, ({ guest }) => ({
    guest,
  }));

const listen = async (t: ExecutionContext, socket: string, subAgent = echo()): Promise<SubAgent> => {
  await subAgent.listen({ socket });
  t.teardown(() => subAgent.close());
  return subAgent;
};

const call = async (socket: string): Promise<unknown> => {
  const endpoint = { address: { socket }, secret: undefined };
  const client = new RpcClient({ service: 'svc', endpoint, path: RPC_PATH, maxSockets: 1 });
  try {
    return await client.call('Echo.Do', { guest: { id: GUEST_ID } });
  } finally {
    client.close();
  }
};

const answer = { guest: { id: GUEST_ID } };

test('serves calls over a unix socket', async (t) => {
  const socket = join(await tempDir(t), 's');
  await listen(t, socket);
  t.deepEqual(await call(socket), answer);
});

test('lets only the owner connect to the socket, and leaves the umask as it was', async (t) => {
  const dir = await tempDir(t);
  const mask = process.umask();
  await listen(t, join(dir, 's'));
  t.is((await stat(join(dir, 's'))).mode & 0o777, 0o600);
  t.is(process.umask(), mask);
});

needs(
  'root',
  'setpriv',
  'curl',
)('another local user cannot connect to it', async (t) => {
  const dir = await tempDir(t);
  const socket = join(dir, 's');
  await listen(t, socket);
  await chmod(dir, 0o755);
  const args = ['--silent', '--show-error', '--unix-socket', socket, 'http://localhost/_mistify_health_'];
  const { exitCode, stderr } = await runAsNobody('curl', ...args);
  t.is(exitCode, 7, stderr);
  await chmod(socket, 0o666);
  t.is(
    (await runAsNobody('curl', ...args)).exitCode,
    0,
    'it is the mode of the socket that keeps others out',
  );
});

test('removes the socket when the sub-agent closes', async (t) => {
  const socket = join(await tempDir(t), 's');
  await (await listen(t, socket)).close();
  await t.throwsAsync(access(socket), { code: 'ENOENT' });
});

test('replaces the socket of a killed process', async (t) => {
  const socket = join(await tempDir(t), 's');
  await leaveStaleSocket(socket);
  await listen(t, socket);
  t.deepEqual(await call(socket), answer);
});

test('does not touch a socket on which another process listens', async (t) => {
  const socket = join(await tempDir(t), 's');
  await listen(t, socket);
  await t.throwsAsync(echo().listen({ socket }), { code: 'EADDRINUSE' });
  t.deepEqual(await call(socket), answer);
});

test('does not remove a file that is not a socket', async (t) => {
  const socket = join(await tempDir(t), 's');
  await writeFile(socket, 'precious');
  await t.throwsAsync(echo().listen({ socket }), {
    message: /is not a socket: remove it, or choose another/,
  });
  await t.notThrowsAsync(access(socket));
});

test('rejects a path that is too long for a unix socket, and says so', async (t) => {
  const socket = join(await tempDir(t), 'x'.repeat(100));
  await t.throwsAsync(echo().listen({ socket }), {
    message: /too long for a unix socket.*at most 107 bytes/,
  });
});

test('fails as unavailable on a missing or dead socket, without naming its directory', async (t) => {
  const socket = join(await tempDir(t), 'gone.sock');
  await t.throwsAsync(call(socket), { message: 'svc: cannot be reached on socket gone.sock (ENOENT)' });
  await leaveStaleSocket(socket);
  await t.throwsAsync(call(socket), { message: 'svc: cannot be reached on socket gone.sock (ECONNREFUSED)' });
  await rm(socket);
});

test('fails with bad_answer when the listener is not a sub-agent', async (t) => {
  const socket = join(await tempDir(t), 's');
  const server = createServer((connection) => connection.end('SSH-2.0-x\r\n')).listen(socket);
  t.teardown(() => server.close());
  await t.throwsAsync(call(socket), { message: /^svc: / });
});
