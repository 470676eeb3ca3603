import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { AgentError } from '../../../../lib/errors.js';
import { RpcClient } from '../../../../lib/rpc/client/client.js';
import { StreamRefused } from '../../../../lib/rpc/client/refused.js';
import { RPC_PATH } from '../../../../lib/rpc/protocol/calls.js';
import { refusingPort } from '../../../helpers/ports.js';
import { serveFixed, serveRaw, serveRpc, serveTcp } from '../../../helpers/raw-service.js';

/** Makes a signal that never aborts. */
const never = (): AbortSignal => new AbortController().signal;

const clientOf = (t: ExecutionContext, port: number, maxSockets = 4): RpcClient => {
  const client = new RpcClient({
    service: 'svc',
    endpoint: { address: { port }, secret: undefined },
    path: RPC_PATH,
    maxSockets,
  });
  t.teardown(() => client.close());
  return client;
};

test('posts a call as JSON-RPC 1.0 and returns its result', async (t) => {
  const seen: unknown[] = [];
  const port = await serveRaw(t, (request, response) => {
    void text(request).then((body) => {
      seen.push(request.method, request.url, request.headers['content-type'], body);
      response.end('{"result":{"x":1},"error":null,"id":1}');
    });
  });
  t.deepEqual(await clientOf(t, port).call('A.B', { guest: 'ü' }), { x: 1 });
  t.deepEqual(seen, [
    'POST',
    RPC_PATH,
    'application/json',
    '{"method":"A.B","params":[{"guest":"ü"}],"id":1}',
  ]);
});

test('gives every call its own id', async (t) => {
  const ids: number[] = [];
  const port = await serveRpc(t, ({ id }) => {
    ids.push(id);
    return { result: {}, error: null, id };
  });
  const client = clientOf(t, port);
  await Promise.all(Array.from({ length: 20 }, () => client.call('A.B', {})));
  t.is(new Set(ids).size, 20);
});

/** Returns the error of a call. */
const failure = async (t: ExecutionContext, port: number): Promise<Partial<AgentError> | undefined> =>
  t.throwsAsync(clientOf(t, port).call('A.B', {}), { instanceOf: AgentError });

test('reads the error "not found" of a sub-agent that sends no kind as not_found', async (t) => {
  const port = await serveRpc(t, ({ id }) => ({ result: null, error: 'guest 1: not found', id }));
  t.like(await failure(t, port), { kind: 'not_found', message: 'guest 1: not found' });
});

test('fails a refused call with the kind that the sub-agent sent', async (t) => {
  const port = await serveRpc(t, ({ id }) => ({
    result: null,
    error: 'guest 1 is off',
    kind: 'conflict',
    id,
  }));
  t.like(await failure(t, port), { kind: 'conflict', message: 'guest 1 is off' });
});

test("reports a sub-agent's own failure as bad_answer, and names the sub-agent", async (t) => {
  const port = await serveRpc(t, ({ id }) => ({ result: null, error: 'disk not found on shelf', id }));
  t.like(await failure(t, port), { kind: 'bad_answer', message: 'svc: disk not found on shelf' });
});

for (const error of ['', '  '])
  test(`replaces the empty error "${error}" with a message`, async (t) => {
    const port = await serveRpc(t, ({ id }) => ({ result: null, error, id }));
    t.like(await failure(t, port), { kind: 'bad_answer', message: 'svc: failed without giving a reason' });
  });

for (const error of ['', '  '])
  test(`replaces the empty error "${error}" of a refused call with a message`, async (t) => {
    const port = await serveRpc(t, ({ id }) => ({ result: null, error, kind: 'conflict', id }));
    t.like(await failure(t, port), { kind: 'conflict', message: 'svc: failed without giving a reason' });
  });

test('reports an error that is not a string as JSON', async (t) => {
  const port = await serveRpc(t, ({ id }) => ({ result: null, error: { code: 5 }, id }));
  t.like(await failure(t, port), { kind: 'bad_answer', message: 'svc: {"code":5}' });
});

const NONSENSE: Record<string, [status: number, body: string, message: RegExp]> = {
  'text that is not JSON': [200, 'garbage', /^svc: the response to A\.B is not JSON$/],
  'an HTML page': [200, '<html>hello</html>', /not JSON/],
  'an empty body': [200, '', /not JSON/],
  null: [200, 'null', /not a JSON object/],
  'a number': [200, '5', /not a JSON object/],
  'a list': [200, '[]', /another call/],
  'another id': [200, '{"result":{},"error":null,"id":99}', /belongs to another call/],
  'no id': [200, '{"result":{},"error":null}', /belongs to another call/],
  'no result': [200, '{"error":null,"id":1}', /no result/],
  'a null result': [200, '{"result":null,"error":null,"id":1}', /no result/],
  'a string for a result': [200, '{"result":"ok","error":null,"id":1}', /no result/],
  'a list for a result': [200, '{"result":[],"error":null,"id":1}', /no result/],
  'HTTP 500': [500, 'it broke\n', /^svc: it broke$/],
  'HTTP 500 without a message': [500, '', /^svc: status 500$/],
  'HTTP 400': [400, "rpc: can't find method", /^svc: rpc: can't find method$/],
  'an HTML error page': [502, `<html>${'x'.repeat(5000)}</html>`, /^svc: <html>.{100,1200}$/],
  'a redirect': [302, '', /not JSON/],
};

for (const [what, [status, body, message]] of Object.entries(NONSENSE))
  test(`fails with bad_answer on ${what}`, async (t) => {
    const error = await failure(t, await serveFixed(t, status, body));
    t.is(error?.kind, 'bad_answer');
    t.regex(error?.message ?? '', message);
  });

test('fails with bad_answer on a protocol other than HTTP', async (t) => {
  const port = await serveTcp(t, (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
  t.is((await failure(t, port))?.kind, 'bad_answer');
});

test('fails with bad_answer on oversized headers', async (t) => {
  const port = await serveTcp(t, (socket) =>
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`)),
  );
  t.is((await failure(t, port))?.kind, 'bad_answer');
});

test('reads the final response after interim ones', async (t) => {
  const answer = '{"result":{},"error":null,"id":1}';
  const port = await serveTcp(t, (socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n');
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`);
    }),
  );
  t.deepEqual(await clientOf(t, port).call('A.B', {}), {});
});

for (const head of ['100 Continue', '101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade'])
  test(`fails with bad_answer on an unrequested ${head.slice(0, 3)}`, async (t) => {
    const port = await serveTcp(t, (socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 ${head}\r\n\r\n`)),
    );
    t.is((await failure(t, port))?.kind, 'bad_answer');
  });

test('fails as unavailable, with a retry time, when nothing listens', async (t) => {
  const port = await refusingPort(t);
  const message = `svc: cannot be reached on port ${port} (ECONNREFUSED)`;
  t.like(await failure(t, port), { kind: 'unavailable', retryAfter: 2, message });
});

test('says why the sub-agent is not running, where the agent knows it', async (t) => {
  const client = new RpcClient({
    service: 'svc',
    endpoint: { address: { port: await refusingPort(t) }, secret: undefined },
    path: '/',
    maxSockets: 1,
    whyDown: () => 'it exited with code 1: the pool is gone',
  });
  t.teardown(() => client.close());
  await t.throwsAsync(client.call('A.B', {}), { message: /\(it exited with code 1: the pool is gone\)$/ });
});

test('fails as unavailable when the connection breaks before the response', async (t) => {
  const port = await serveTcp(t, (socket) => socket.once('data', () => socket.destroy()));
  t.is((await failure(t, port))?.kind, 'unavailable');
});

test('fails an aborted call with the reason of its signal', async (t) => {
  const port = await serveRaw(t, () => {});
  const controller = new AbortController();
  const call = clientOf(t, port).call('A.B', {}, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 20);
  await t.throwsAsync(call, { message: 'enough' });
});

test("fails a call that takes too long with its limit's error, and frees its connection", async (t) => {
  const port = await serveRaw(t, async (request, response) => {
    if ((await text(request)).includes('A.Soon')) response.end('{"result":{},"error":null,"id":2}');
  });
  const client = clientOf(t, port, 1);
  const limit = { ms: 20, expired: () => new Error('too late') };
  await t.throwsAsync(client.call('A.Never', {}, { limit }), { message: 'too late' });
  t.deepEqual(await client.call('A.Soon', {}), {});
});

test('reuses connections', async (t) => {
  const ports = new Set<number | undefined>();
  const port = await serveRaw(t, async (request, response) => {
    ports.add(request.socket.remotePort);
    const { id } = JSON.parse(await text(request)) as { id: number };
    response.end(JSON.stringify({ result: {}, error: null, id }));
  });
  const client = clientOf(t, port);
  for (let time = 0; time < 10; time += 1) await client.call('A.B', {});
  t.true(ports.size <= 2);
});

test('waits for a response longer than it keeps idle connections', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    void delay(4500).then(() => response.end('{"result":{"late":true},"error":null,"id":1}'));
  });
  t.deepEqual(await clientOf(t, port).call('A.B', {}), { late: true });
});

test('posts the bare request of a stream and opens its bytes', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    void text(request).then((body) => response.end(`echo ${body}`));
  });
  const { bytes } = await clientOf(t, port).open({ id: 'a@b' }, never());
  t.is(await text(bytes), 'echo {"id":"a@b"}');
});

for (const [status, kind] of [
  [400, 'invalid'],
  [404, 'not_found'],
  [409, 'conflict'],
  [503, 'bad_answer'],
] as const)
  test(`fails a stream refused with ${status} as ${kind}, with its status and message`, async (t) => {
    const client = clientOf(t, await serveFixed(t, status, 'not that way\n'));
    const error = await t.throwsAsync(client.open({}, never()), { instanceOf: StreamRefused });
    t.like(error, { status, kind, message: 'not that way' });
  });

for (const status of [204, 302, 600])
  test(`fails a stream with status ${status} as bad_answer`, async (t) => {
    const client = clientOf(t, await serveFixed(t, status, ''));
    const error = await t.throwsAsync(client.open({}, never()), { instanceOf: AgentError });
    t.like(error, { kind: 'bad_answer' });
    t.regex(error?.message ?? '', new RegExp(`^svc: .*status ${status}`));
  });

test('passes on the part of a refusal that arrived before it broke off', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.writeHead(409, { 'Content-Length': 100 }).write('the guest is');
    setTimeout(() => response.destroy(), 20);
  });
  const error = await t.throwsAsync(clientOf(t, port).open({}, never()), { instanceOf: StreamRefused });
  t.is(error?.message, 'the guest is');
});

test('reads the length of a stream from its headers', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Length': 5 }).end('bytes');
  });
  const { bytes, length } = await clientOf(t, port).open({}, never());
  t.is(length, 5);
  t.is(await text(bytes), 'bytes');
});

test('leaves the length out when the headers have none', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.write('bytes');
    response.end();
  });
  const { bytes, length } = await clientOf(t, port).open({}, never());
  t.is(length, undefined);
  t.is(await text(bytes), 'bytes');
});

test('fails as unavailable when the response breaks off', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Length': 100 }).write('{"result":');
    setTimeout(() => response.destroy(), 10);
  });
  t.is((await failure(t, port))?.kind, 'unavailable');
});

test('fails a call aborted mid-response with the reason of its signal', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Length': 100 }).write('{"result":');
  });
  const controller = new AbortController();
  const call = clientOf(t, port).call('A.B', {}, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 20);
  await t.throwsAsync(call, { message: 'enough' });
});

test('ends an aborted stream with the reason of its signal, and closes its connection', async (t) => {
  let closed: () => void = () => {};
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.once('close', closed);
    response.write('first');
  });
  const controller = new AbortController();
  const { bytes } = await clientOf(t, port).open({}, controller.signal);
  controller.abort(new Error('enough'));
  await t.throwsAsync(text(bytes), { message: 'enough' });
  await isClosed;
  t.pass();
});

test('joins characters that are split between packets', async (t) => {
  const bytes = Buffer.from('{"result":{"name":"Größe 虚拟机"},"error":null,"id":1}');
  const port = await serveRaw(t, async (request, response) => {
    request.resume();
    for (const byte of bytes) {
      response.write(Buffer.of(byte));
      if (byte > 127) await delay(1);
    }
    response.end();
  });
  t.deepEqual(await clientOf(t, port).call('A.B', {}), { name: 'Größe 虚拟机' });
});

test('fails with bad_answer on a malformed body', async (t) => {
  const port = await serveTcp(t, (socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n')),
  );
  t.is((await failure(t, port))?.kind, 'bad_answer');
});

test('drops a connection whose server did not read the whole request', async (t) => {
  const answer = '{"result":{},"error":null,"id":1}';
  const port = await serveTcp(t, (socket) =>
    socket.once('data', () => {
      socket.pause();
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`);
    }),
  );
  const client = clientOf(t, port, 1);
  t.deepEqual(await client.call('A.B', { large: 'x'.repeat(20_000_000) }), {});
  // A response of the server, so the connection is a new one: its id is always the same.
  await t.throwsAsync(client.call('A.B', {}), { message: /another call/ });
});
