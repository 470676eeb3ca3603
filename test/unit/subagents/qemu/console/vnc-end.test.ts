import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { openVnc } from '../../../../../lib/subagents/qemu/console/vnc.js';
import type { GuestPaths } from '../../../../../lib/subagents/qemu/layout.js';
import { tempDir } from '../../../../helpers/temp.js';

for (const [how, end] of [
  ['closes', (socket: Socket) => socket.end()],
  ['destroys', (socket: Socket) => socket.destroy()],
] as const)
  test(`a screen that its VNC server ${how} before anyone views it ends no process`, async (t) => {
    const vnc = join(await tempDir(t), 'vnc.sock');
    const server = createServer((socket) => {
      socket.on('error', () => {});
      end(socket);
    }).listen(vnc);
    t.teardown(() => server.close());
    await once(server, 'listening');
    const stream = await openVnc({ id: 'g', vnc } as GuestPaths);
    if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve).resume());
    t.true(stream.destroyed);
  });
