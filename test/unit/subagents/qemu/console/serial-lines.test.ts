import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SerialLines } from '../../../../../lib/subagents/qemu/console/serial-lines.js';
import type { GuestPaths } from '../../../../../lib/subagents/qemu/layout.js';
import { tempDir } from '../../../../helpers/temp.js';
import { until } from '../../../../helpers/wait.js';

const never = new AbortController().signal;

/** Serves a serial console's socket, as QEMU does. */
const serve = async (t: ExecutionContext) => {
  const paths = { id: 'web', serial: join(await tempDir(t), 'serial.sock') } as GuestPaths;
  const connections: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => connections.push(socket));
  server.listen(paths.serial);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  const connection = (index = 0): Promise<Socket> => until('it is connected', () => connections[index]);
  return { paths, connections, connection };
};

test('shares one connection among all users of a guest', async (t) => {
  const { paths, connections, connection } = await serve(t);
  const lines = new SerialLines();
  for (let user = 0; user < 3; user += 1) lines.enter('web');
  await Promise.all(['a', 'b', 'c'].map((text) => lines.type(paths, Buffer.from(text), never)));
  const [typed] = await once((await connection()).resume(), 'data');
  t.is(String(typed), 'abc');
  t.is(connections.length, 1);
});

test('drops queued input of a user who has left', async (t) => {
  const { paths, connection } = await serve(t);
  const lines = new SerialLines();
  lines.enter('web');
  lines.enter('web');
  const leaver = new AbortController();
  const first = lines.type(paths, Buffer.alloc(2 ** 20, 'x'), leaver.signal);
  const second = lines.type(paths, Buffer.alloc(2 ** 20, 'y'), leaver.signal);
  const socket = await connection();
  leaver.abort();
  lines.leave('web');
  const last = lines.type(paths, Buffer.from('z'), never);
  let typed = '';
  socket.on('data', (bytes) => {
    typed += bytes;
  });
  socket.resume();
  await Promise.all([first, second, last]);
  await until('all has come', () => typed.endsWith('z'));
  t.is(typed, `${'x'.repeat(2 ** 20)}z`);
});

test('drops input to a guest that is off, and delivers it again once the guest is on', async (t) => {
  const paths = { id: 'web', serial: join(await tempDir(t), 'nothing.sock') } as GuestPaths;
  const lines = new SerialLines();
  lines.enter('web');
  await lines.type(paths, Buffer.from('lost'), never);
  const on = await serve(t);
  await lines.type(on.paths, Buffer.from('heard'), never);
  const [typed] = await once((await on.connection()).resume(), 'data');
  t.is(String(typed), 'heard');
});

test('closes the connection when the last user leaves', async (t) => {
  const { paths, connection } = await serve(t);
  const lines = new SerialLines();
  lines.enter('web');
  lines.enter('web');
  await lines.type(paths, Buffer.from('a'), never);
  const socket = (await connection()).resume();
  const closed = once(socket, 'close');
  lines.leave('web');
  t.false(socket.destroyed);
  lines.leave('web');
  await closed;
  t.pass();
});
