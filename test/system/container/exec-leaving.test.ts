import { setTimeout as delay } from 'node:timers/promises';
import ava from 'ava';
import type { WebSocket } from 'ws';
import { dial } from '../../../lib/http/websocket/dial.js';
import { newGuest, SharedEngine, type TestContainers } from '../../helpers/containers.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const start = async (containers: TestContainers) => {
  const guest = newGuest({ container: { command: ['sleep', '600'] } });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  return guest;
};

const connect = async ({ port }: TestContainers, id: string): Promise<WebSocket> => {
  const url = `ws://127.0.0.1:${port}/exec?guest=${id}`;
  return (await dial(url, { protocols: 'mistify.console' })).socket;
};

const sleeping = (seconds: number): string => JSON.stringify({ command: ['sleep', String(seconds)] });

/** The programs of a container that `sleeping` has begun. */
const sleepers = async (id: string): Promise<string[]> => {
  const engine = await shared.engine();
  const shown = await engine.run('exec', `mistify-${id}`, '/bin/busybox', 'ps', '-o', 'args');
  return shown.split('\n').filter((line) => /^sleep 7\d\d/.test(line));
};

test('hangs up a program whose client left while it was starting', async (t) => {
  const containers = await shared.containers();
  const guest = await start(containers);
  for (const afterMs of [1, 10, 20, 30, 50, 80, 120]) {
    const socket = await connect(containers, guest.id);
    socket.send(sleeping(700 + afterMs));
    await delay(afterMs);
    socket.terminate();
  }
  // All of them have had the time to begin.
  await delay(1000);
  await until('none of them runs', async () => (await sleepers(guest.id)).length === 0);
  t.deepEqual(await sleepers(guest.id), []);
  await containers.guest('DeleteContainer', guest);
});

test('runs nothing after it has said that the first message was wrong', async (t) => {
  const containers = await shared.containers();
  const guest = await start(containers);
  const socket = await connect(containers, guest.id);
  const messages: string[] = [];
  socket.on('message', (message) => messages.push(String(message)));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.send('{"wrong":1}');
  socket.send(sleeping(700));
  await closed;
  t.deepEqual(messages, ['{"error":"\\"command\\" is required"}']);
  t.deepEqual(await sleepers(guest.id), []);
  await containers.guest('DeleteContainer', guest);
});
