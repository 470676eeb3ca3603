import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { AgentError } from '../../../../lib/errors.js';
import { RpcClient } from '../../../../lib/rpc/client/client.js';
import { StreamRefused } from '../../../../lib/rpc/client/refused.js';
import { RPC_PATH } from '../../../../lib/rpc/protocol/messages.js';
import { refusingPort } from '../../../helpers/ports.js';
import { serveFixed, serveRaw, serveRpc, serveTcp } from '../../../helpers/raw-service.js';

/** A signal that is never aborted. */
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

test('a call is JSON-RPC 1.0 in a POST, and its result is answered', async (t) => {
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

test('every call has an id of its own', async (t) => {
  const ids: number[] = [];
  const port = await serveRpc(t, ({ id }) => {
    ids.push(id);
    return { result: {}, error: null, id };
  });
  const client = clientOf(t, port);
  await Promise.all(Array.from({ length: 20 }, () => client.call('A.B', {})));
  t.is(new Set(ids).size, 20);
});

/** What a call fails with when it is answered by `body` with `status`. */
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

test("a sub-agent's own error is a bad answer that names it", async (t) => {
  const port = await serveRpc(t, ({ id }) => ({ result: null, error: 'disk not found on shelf', id }));
  t.like(await failure(t, port), { kind: 'bad_answer', message: 'svc: disk not found on shelf' });
});

for (const error of ['', '  '])
  test(`the error "${error}" is told in words of ours`, async (t) => {
    const port = await serveRpc(t, ({ id }) => ({ result: null, error, id }));
    t.like(await failure(t, port), { kind: 'bad_answer', message: 'svc: failed without giving a reason' });
  });

test('an error that is no string is told as JSON', async (t) => {
  const port = await serveRpc(t, ({ id }) => ({ result: null, error: { code: 5 }, id }));
  t.like(await failure(t, port), { kind: 'bad_answer', message: 'svc: {"code":5}' });
});

const NONSENSE: Record<string, [status: number, body: string, message: RegExp]> = {
  'text that is no JSON': [200, 'garbage', /^svc: the response to A\.B is not JSON$/],
  'an HTML page': [200, '<html>hello</html>', /not JSON/],
  nothing: [200, '', /not JSON/],
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
  'HTTP 500 without a word': [500, '', /^svc: status 500$/],
  'HTTP 400': [400, "rpc: can't find method", /^svc: rpc: can't find method$/],
  'an HTML error page': [502, `<html>${'x'.repeat(5000)}</html>`, /^svc: <html>.{100,1200}$/],
  'a redirect': [302, '', /not JSON/],
};

for (const [what, [status, body, message]] of Object.entries(NONSENSE))
  test(`${what} is a bad answer`, async (t) => {
    const error = await failure(t, await serveFixed(t, status, body));
    t.is(error?.kind, 'bad_answer');
    t.regex(error?.message ?? '', message);
  });

test('what does not speak HTTP gives a bad answer', async (t) => {
  const port = await serveTcp(t, (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
  t.is((await failure(t, port))?.kind, 'bad_answer');
});

test('an answer with more headers than we read is a bad answer', async (t) => {
  const port = await serveTcp(t, (socket) =>
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`)),
  );
  t.is((await failure(t, port))?.kind, 'bad_answer');
});

test('an answer after others that only inform is well', async (t) => {
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
  test(`an unasked ${head.slice(0, 3)} is a bad answer`, async (t) => {
    const port = await serveTcp(t, (socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 ${head}\r\n\r\n`)),
    );
    t.is((await failure(t, port))?.kind, 'bad_answer');
  });

test('nobody there is unavailable, and worth another try', async (t) => {
  const port = await refusingPort(t);
  const message = `svc: cannot be reached on port ${port} (ECONNREFUSED)`;
  t.like(await failure(t, port), { kind: 'unavailable', retryAfter: 2, message });
});

test('a connection that breaks before the answer is unavailable', async (t) => {
  const port = await serveTcp(t, (socket) => socket.once('data', () => socket.destroy()));
  t.is((await failure(t, port))?.kind, 'unavailable');
});

test('an aborted call fails with the reason of its signal', async (t) => {
  const port = await serveRaw(t, () => {});
  const controller = new AbortController();
  const call = clientOf(t, port).call('A.B', {}, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 20);
  await t.throwsAsync(call, { message: 'enough' });
});

test('a call that takes too long fails as its limit says, and makes room for the next one', async (t) => {
  const port = await serveRaw(t, async (request, response) => {
    if ((await text(request)).includes('A.Soon')) response.end('{"result":{},"error":null,"id":2}');
  });
  const client = clientOf(t, port, 1);
  const limit = { ms: 20, expired: () => new Error('too late') };
  await t.throwsAsync(client.call('A.Never', {}, { limit }), { message: 'too late' });
  t.deepEqual(await client.call('A.Soon', {}), {});
});

test('connections are used again', async (t) => {
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

test('a call that takes longer than an idle connection is kept is answered all the same', async (t) => {
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
  test(`fails a stream with status ${status} as a bad answer`, async (t) => {
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

test('a stream has the length that its headers tell', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Length': 5 }).end('bytes');
  });
  const { bytes, length } = await clientOf(t, port).open({}, never());
  t.is(length, 5);
  t.is(await text(bytes), 'bytes');
});

test('a stream whose headers tell no length has none', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.write('bytes');
    response.end();
  });
  const { bytes, length } = await clientOf(t, port).open({}, never());
  t.is(length, undefined);
  t.is(await text(bytes), 'bytes');
});

test('an answer that breaks off in the middle is unavailable', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Length': 100 }).write('{"result":');
    setTimeout(() => response.destroy(), 10);
  });
  t.is((await failure(t, port))?.kind, 'unavailable');
});

test('an answer that is aborted in the middle fails with the reason of the signal', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Length': 100 }).write('{"result":');
  });
  const controller = new AbortController();
  const call = clientOf(t, port).call('A.B', {}, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 20);
  await t.throwsAsync(call, { message: 'enough' });
});

test('a stream that is aborted ends with the reason of the signal, and lets go of its connection', async (t) => {
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

test('characters that are cut between two packets come whole', async (t) => {
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

test('an answer that becomes nonsense in its body is a bad answer', async (t) => {
  const port = await serveTcp(t, (socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n')),
  );
  t.is((await failure(t, port))?.kind, 'bad_answer');
});

test('a connection over which the rest of a request is never read is given up', async (t) => {
  const answer = '{"result":{},"error":null,"id":1}';
  const port = await serveTcp(t, (socket) =>
    socket.once('data', () => {
      socket.pause();
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`);
    }),
  );
  const client = clientOf(t, port, 1);
  t.deepEqual(await client.call('A.B', { large: 'x'.repeat(20_000_000) }), {});
  // The server gives the same id to all.
  await t.throwsAsync(client.call('A.B', {}), { message: /another call/ });
});
