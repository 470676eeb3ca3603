import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import * as Hapi from '@hapi/hapi';
import test, { type ExecutionContext } from 'ava';
import { closeConnectionsOnStop } from '../../../lib/http/graceful-stop.js';

// Guarantees: G24.

const LONG_MS = 60_000;
/** More than the kernel buffers. */
const LARGE = 20_000_000;

/** Serves what the test writes to `body`. */
const serve = async (t: ExecutionContext, ms: number) => {
  const body = new PassThrough();
  const server = Hapi.server({ host: '127.0.0.1', operations: { cleanStop: false } });
  closeConnectionsOnStop(server, ms);
  server.route({ method: 'GET', path: '/', handler: () => 'at once' });
  server.route({ method: 'GET', path: '/large', handler: () => `${'x'.repeat(LARGE)}the end` });
  server.route({ method: 'GET', path: '/slow', handler: (_, h) => h.response(body) });
  await server.start();
  t.teardown(() => server.stop());
  const open = async (): Promise<Socket> => {
    const socket = connect({ port: Number(server.info.port), host: '127.0.0.1', allowHalfOpen: true });
    t.teardown(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return { server, body, open };
};

const ask = (socket: Socket, path: string): Promise<unknown> => {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return once(socket, 'data');
};

test('closes unused and idle connections at once', async (t) => {
  const { server, open } = await serve(t, LONG_MS);
  await open();
  await ask(await open(), '/');
  await t.notThrowsAsync(server.stop());
});

test('does not wait for half a request', async (t) => {
  const { server, open } = await serve(t, LONG_MS);
  const socket = await open();
  socket.write('GET / HTTP/1.1\r\nHost:');
  await delay(50);
  await t.notThrowsAsync(server.stop());
});

test('finishes a response in progress, then closes its connection', async (t) => {
  const { server, body, open } = await serve(t, LONG_MS);
  const socket = await open();
  body.write('first');
  await ask(socket, '/slow');
  const stopped = server.stop();
  const rest = once(socket, 'data');
  body.end('last');
  t.regex(String(await rest), /last/);
  await stopped;
});

test('sends a complete response to a slow reader', async (t) => {
  const { server, open } = await serve(t, LONG_MS);
  const socket = await open();
  socket.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'readable');
  const stopped = server.stop();
  await delay(50);
  let last = '';
  for await (const chunk of socket) last = String(chunk);
  t.true(last.endsWith('the end'));
  await stopped;
});

test('disconnects a client that never finishes its TLS handshake', async (t) => {
  const server = Hapi.server({
    host: '127.0.0.1',
    tls: true,
    listener: createTlsServer(),
    operations: { cleanStop: false },
  });
  closeConnectionsOnStop(server, 100);
  await server.start();
  const socket = connect(Number(server.info.port), '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  await server.stop();
  await t.notThrowsAsync(closed);
});

test('aborts a response that does not end in time', async (t) => {
  const { server, body, open } = await serve(t, 100);
  const socket = await open();
  body.write('first');
  await ask(socket, '/slow');
  const broken = once(socket, 'end');
  await server.stop();
  await t.notThrowsAsync(broken);
});
