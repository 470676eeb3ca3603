import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SerialLines } from '../../../../../lib/subagents/qemu/console/serial-lines.js';
import type { GuestPaths } from '../../../../../lib/subagents/qemu/layout.js';
import { tempDir } from '../../../../helpers/temp.js';
import { until } from '../../../../helpers/wait.js';

const never = new AbortController().signal;

/** Serves a serial console's socket, as QEMU does, and collects what is typed. */
const serve = async (t: ExecutionContext) => {
  const paths = { id: 'web', serial: join(await tempDir(t), 'serial.sock') } as GuestPaths;
  const connections: Socket[] = [];
  const typed: string[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const index = connections.push(socket) - 1;
    typed.push('');
    socket.on('data', (bytes) => {
      typed[index] += String(bytes);
    });
    socket.pause();
  });
  server.listen(paths.serial);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  const connection = (index = 0): Promise<Socket> => until('it is connected', () => connections[index]);
  return { paths, connections, typed, connection };
};

test('sends the input of all users one after the other, and leaves no connection', async (t) => {
  const { paths, connections, typed, connection } = await serve(t);
  const lines = new SerialLines();
  for (let user = 0; user < 3; user += 1) lines.enter('web');
  const all = Promise.all(['a', 'b', 'c'].map((text) => lines.type(paths, Buffer.from(text), never)));
  for (let index = 0; index < 3; index += 1) {
    const socket = await connection(index);
    t.is(connections.length, index + 1);
    socket.resume();
    await once(socket, 'close');
  }
  await all;
  t.deepEqual(typed, ['a', 'b', 'c']);
});

test('drops queued input of a user who has left, and completes what has begun', async (t) => {
  const { paths, typed, connection } = await serve(t);
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
  socket.resume();
  (await connection(1)).resume();
  await Promise.all([first, second, last]);
  t.deepEqual(typed, ['x'.repeat(2 ** 20), 'z']);
});

test('drops input to a guest that is off, and delivers it again once the guest is on', async (t) => {
  const paths = { id: 'web', serial: join(await tempDir(t), 'nothing.sock') } as GuestPaths;
  const lines = new SerialLines();
  lines.enter('web');
  await lines.type(paths, Buffer.from('lost'), never);
  const on = await serve(t);
  const heard = lines.type(on.paths, Buffer.from('heard'), never);
  (await on.connection()).resume();
  await heard;
  t.deepEqual(on.typed, ['heard']);
});

test('delivers what the last user typed before leaving', async (t) => {
  const { paths, typed, connection } = await serve(t);
  const lines = new SerialLines();
  lines.enter('web');
  const last = lines.type(paths, Buffer.from('reboot'), never);
  lines.leave('web');
  (await connection()).resume();
  await last;
  t.deepEqual(typed, ['reboot']);
});
