import { once } from 'node:events';
import test from 'ava';
import { QmpClient } from '../../../lib/qmp/client.js';
import { QmpClosedError, QmpError, QmpTimeoutError } from '../../../lib/qmp/errors.js';
import { type QmpCommand, send, serveQmp } from '../../helpers/qmp-server.js';

test('matches responses to commands in any order', async (t) => {
  const held: QmpCommand[] = [];
  const path = await serveQmp(t, (command, socket) => {
    held.push(command);
    if (held.length === 2) {
      for (const { id, execute } of held.reverse()) send(socket, { return: execute, id });
    }
  });
  const client = await QmpClient.connect(path);
  t.deepEqual(await Promise.all([client.execute('one'), client.execute('two')]), ['one', 'two']);
  client.close();
});

test('sends arguments unchanged', async (t) => {
  const path = await serveQmp(t, (command, socket) => {
    send(socket, { return: command.arguments ?? 'none', id: command.id });
  });
  const client = await QmpClient.connect(path);
  t.deepEqual(await client.execute('x', { a: 'b,c"d', n: 1 }), { a: 'b,c"d', n: 1 });
  t.is(await client.execute('x'), 'none');
  client.close();
});

test("rejects with QEMU's error class and description", async (t) => {
  const path = await serveQmp(t, (command, socket) => {
    send(socket, { error: { class: 'DeviceNotFound', desc: "Device 'x' not found" }, id: command.id });
  });
  const client = await QmpClient.connect(path);
  const error = await t.throwsAsync(client.execute('device_del'), { instanceOf: QmpError });
  t.is(error.qmpClass, 'DeviceNotFound');
  t.is(error.desc, "Device 'x' not found");
  t.is(error.message, "device_del: Device 'x' not found");
  client.close();
});

test('emits events with their data', async (t) => {
  const timestamp = { seconds: 1, microseconds: 2 };
  const path = await serveQmp(t, (command, socket) => {
    send(socket, { event: 'SHUTDOWN', data: { guest: true, reason: 'guest-shutdown' }, timestamp });
    send(socket, { event: 'STOP', timestamp });
    send(socket, { return: {}, id: command.id });
  });
  const events: unknown[] = [];
  const client = await QmpClient.connect(path, { onEvent: (event) => events.push(event) });
  await client.execute('go');
  t.deepEqual(events, [
    { event: 'SHUTDOWN', data: { guest: true, reason: 'guest-shutdown' }, timestamp },
    { event: 'STOP', data: {}, timestamp },
  ]);
  client.close();
});

test('times out a command, and ignores its late response', async (t) => {
  const path = await serveQmp(t, (command, socket) => {
    if (command.execute === 'fast') send(socket, { return: 'fast', id: command.id });
    else setTimeout(() => send(socket, { return: 'slow', id: command.id }), 100);
  });
  const client = await QmpClient.connect(path);
  await t.throwsAsync(client.execute('slow', undefined, { timeoutMs: 20 }), { instanceOf: QmpTimeoutError });
  await new Promise((resolve) => setTimeout(resolve, 150));
  t.is(await client.execute('fast'), 'fast');
  client.close();
});

test('rejects pending commands when QEMU disconnects', async (t) => {
  const path = await serveQmp(t, (_, socket) => socket.destroy());
  const client = await QmpClient.connect(path);
  const closed = once(client, 'close');
  await t.throwsAsync(client.execute('quit'), { instanceOf: QmpClosedError });
  await closed;
  t.true(client.closed);
  await t.throwsAsync(client.execute('query-status'), { instanceOf: QmpClosedError });
});

test('times out when QEMU sends no greeting', async (t) => {
  const path = await serveQmp(t, undefined, { greets: false });
  await t.throwsAsync(QmpClient.connect(path, { timeoutMs: 50 }), { instanceOf: QmpTimeoutError });
});

test('rejects with the cause when nothing listens', async (t) => {
  const error = await t.throwsAsync(QmpClient.connect('/nonexistent/qmp.sock'), {
    instanceOf: QmpClosedError,
  });
  t.is((error.cause as NodeJS.ErrnoException).code, 'ENOENT');
});

test('closes the connection on a response that is not JSON', async (t) => {
  const path = await serveQmp(t, (_, socket) => socket.write('garbage\n'));
  const client = await QmpClient.connect(path);
  await t.throwsAsync(client.execute('x'), { instanceOf: QmpClosedError });
});

test('closes the connection on an endless line', async (t) => {
  const path = await serveQmp(t, (_, socket) => {
    const chunk = 'x'.repeat(2 ** 20);
    const fill = (): void => {
      while (!socket.destroyed && socket.write(chunk));
      if (!socket.destroyed) socket.once('drain', fill);
    };
    fill();
  });
  const client = await QmpClient.connect(path);
  await t.throwsAsync(client.execute('query-status', undefined, { timeoutMs: 60_000 }), {
    instanceOf: QmpClosedError,
  });
});

test('closes the connection when QEMU stops reading commands', async (t) => {
  const path = await serveQmp(t, (_, socket) => socket.pause());
  const client = await QmpClient.connect(path);
  const text = 'x'.repeat(2 ** 16);
  const commands = Array.from({ length: 100 }, () => client.execute('x', { text }, { timeoutMs: 1000 }));
  const failures = await Promise.allSettled(commands);
  t.true(failures.every(({ status }) => status === 'rejected'));
  t.true(client.closed);
});
