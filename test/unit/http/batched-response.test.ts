import { createServer, type RequestListener, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createConnection } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import * as Hapi from '@hapi/hapi';
import test, { type ExecutionContext } from 'ava';
import { BatchedResponse } from '../../../lib/http/batched-response.js';

const serve = async (t: ExecutionContext, answer: RequestListener): Promise<number> => {
  const server: Server = createServer({ ServerResponse: BatchedResponse }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

const get = (
  port: number,
  method = 'GET',
  path = '/',
): Promise<{ status: number | undefined; body: string }> =>
  new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', method, path, agent: false }, async (response) => {
      resolve({ status: response.statusCode, body: await text(response) });
    })
      .on('error', reject)
      .end();
  });

test('sends a response written and ended in one turn', async (t) => {
  const port = await serve(t, (_request, response) => {
    response.writeHead(200, { 'Content-Length': 2 });
    response.write('ab');
    response.end();
  });
  t.deepEqual(await get(port), { status: 200, body: 'ab' });
});

test('keeps the order of chunks written in any turn', async (t) => {
  const port = await serve(t, async (_request, response) => {
    response.write('1');
    response.write(Buffer.from('2'));
    await Promise.resolve();
    response.write('3');
    await delay(5);
    response.write('34', 'hex');
    response.end('5');
  });
  t.is((await get(port)).body, '12345');
});

test('sends a response without a body', async (t) => {
  const port = await serve(t, (_request, response) => response.writeHead(204).end());
  t.deepEqual(await get(port), { status: 204, body: '' });
});

test('sends no body in response to HEAD', async (t) => {
  const port = await serve(t, (_request, response) => {
    response.write('ab');
    response.end();
  });
  t.deepEqual(await get(port, 'HEAD'), { status: 200, body: '' });
});

test('calls back after each write and the end', async (t) => {
  const called: string[] = [];
  const port = await serve(t, (_request, response) => {
    response.write('a', () => called.push('write'));
    response.write('b');
    response.end(() => called.push('end'));
  });
  t.is((await get(port)).body, 'ab');
  await delay(5);
  t.deepEqual(called, ['write', 'end']);
});

test('sends the first bytes without waiting for more', async (t) => {
  const port = await serve(t, (_request, response) => response.write('first'));
  const socket = createConnection(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  let seen = '';
  for await (const chunk of socket) {
    seen += chunk;
    if (seen.includes('first')) break;
  }
  t.true(seen.includes('first'));
});

test('responds to pipelined requests in order', async (t) => {
  const port = await serve(t, (request, response) => {
    response.write(request.url ?? '');
    response.end();
  });
  const socket = createConnection(port, '127.0.0.1');
  const paths = ['/1', '/2', '/3'];
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  socket.end();
  const bodies = (await text(socket)).match(/\/\d(?!\.)/g);
  t.deepEqual(bodies, paths);
});

test('ignores a client that has disconnected', async (t) => {
  const port = await serve(t, (_request, response) => {
    response.write('a');
    response.socket?.destroy();
    response.end();
  });
  await t.throwsAsync(get(port));
  await t.throwsAsync(get(port));
});

test('rejects a write after the end', async (t) => {
  const errors: unknown[] = [];
  const port = await serve(t, (_request, response) => {
    response.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
    response.end('a');
    response.write('b');
  });
  t.is((await get(port)).body, 'a');
  t.deepEqual(errors, ['ERR_STREAM_WRITE_AFTER_END']);
});

test('sends the other responses of a turn when one fails', async (t) => {
  let odd: ServerResponse | undefined;
  const port = await serve(t, (request, response) => {
    if (request.url === '/odd') {
      odd = response;
      return;
    }
    if (odd) {
      odd.statusMessage = 'a\nb';
      odd.end('x');
    }
    response.end('fine');
  });
  const failed = t.throwsAsync(get(port, 'GET', '/odd'));
  while (!odd) await delay(1);
  t.is((await get(port)).body, 'fine');
  await failed;
});

test('sends what was written before it is destroyed', async (t) => {
  const port = await serve(t, (_request, response) => {
    response.writeHead(200, { 'Content-Length': 3 });
    response.end('abc');
    response.destroy();
  });
  t.is((await get(port)).body, 'abc');
});

for (const chunks of [[], ['abc'], ['a', 'bc']]) {
  test(`lets hapi see a stream of ${chunks.length} chunks as complete`, async (t) => {
    const server = Hapi.server({
      host: '127.0.0.1',
      port: 0,
      listener: createServer({ ServerResponse: BatchedResponse }),
      debug: false,
    });
    server.route({
      method: 'GET',
      path: '/',
      handler: () =>
        Readable.from(
          chunks.map((chunk) => Buffer.from(chunk)),
          { objectMode: false },
        ),
    });
    const told = new Promise<Hapi.Request>((resolve) => server.events.on('response', resolve));
    await server.start();
    t.teardown(() => server.stop());
    t.deepEqual(await get(Number(server.info.port)), { status: 200, body: chunks.join('') });
    const { response, info } = await told;
    t.is((response as Hapi.ResponseObject).statusCode, 200);
    t.true(info.responded > 0);
  });
}
