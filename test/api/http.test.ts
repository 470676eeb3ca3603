import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import type { GuestAction } from '../../lib/model/actions.js';
import { DEFAULT_TIMEOUTS } from '../../lib/server/listener.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import type { AnyRequest } from '../helpers/scripted.js';

const open = (t: ExecutionContext, url: string): Socket => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  return socket;
};

/** Checks that an error has the contract's shape, and returns its message. */
const assertError = (t: ExecutionContext, response: string, code: number): string => {
  const [head = '', body = ''] = response.split('\r\n\r\n');
  t.regex(head, new RegExp(`^HTTP/1.1 ${code} \\w`));
  t.regex(head, /^content-type: application\/json/im);
  const { message, ...rest } = JSON.parse(body) as { message: string };
  t.deepEqual(rest, { code, stack: [] } as object);
  return message;
};

/** Returns the server's raw response, after which it must close the connection. */
const rawResponseTo = async (t: ExecutionContext, url: string, request: string): Promise<string> => {
  const socket = open(t, url);
  socket.write(request);
  return text(socket);
};

const GET = 'GET /guests HTTP/1.1\r\nHost: localhost\r\n';
const POST = 'POST /guests HTTP/1.1\r\nHost: localhost\r\n';
const CLOSE = 'Connection: close\r\n\r\n';

const MALFORMED: Record<string, [request: string, code: number, message: RegExp]> = {
  'a garbage request line': ['\x16\x03\x01 garbage\r\n\r\n', 400, /method/i],
  'an unknown method': ['FROB /guests HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, /method/],
  'an unknown HTTP version': ['GET /guests HTTP/9.9\r\nHost: localhost\r\n\r\n', 400, /version/],
  'two lengths': [`${POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400, /Content-Length/],
  'a length and chunks': [
    `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    /Transfer-Encoding/,
  ],
  'a header with a space in its name': [`${GET}b ad: x\r\n\r\n`, 400, /header/],
  'headers of 20 kB': [`${GET}a: ${'x'.repeat(20_000)}\r\n\r\n`, 431, /headers exceed 16384 bytes/],
  'a chunk without a size': [`${POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n`, 400, /chunk/],
  'no Host': [`GET /guests HTTP/1.1\r\n${CLOSE}`, 400, /Host/],
  'an unsupported expectation': [`${GET}Expect: foo\r\n${CLOSE}`, 417, /Expect: foo/],
  'a malformed percent-encoding in its path': [
    `GET /guests/%zz HTTP/1.1\r\nHost: localhost\r\n${CLOSE}`,
    400,
    /malformed path$/,
  ],
};

for (const [what, [request, code, message]] of Object.entries(MALFORMED))
  test(`rejects a request with ${what} with ${code} in the shape of every error`, async (t) => {
    const { url } = await serveApi(t);
    t.regex(assertError(t, await rawResponseTo(t, url, request), code), message);
  });

test('responds to OPTIONS * with an error that does not blame the path', async (t) => {
  const { url } = await serveApi(t);
  const response = await rawResponseTo(t, url, `OPTIONS * HTTP/1.1\r\nHost: localhost\r\n${CLOSE}`);
  t.notRegex(assertError(t, response, 400), /no such path/);
});

test('accepts HTTP/1.0 without Host', async (t) => {
  const { url } = await serveApi(t);
  t.regex(await rawResponseTo(t, url, 'GET /guests HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 200 .*\[\]$/s);
});

test('ignores malformed cookies', async (t) => {
  const { url } = await serveApi(t);
  t.regex(await rawResponseTo(t, url, `${GET}Cookie: a="; =; b\r\n${CLOSE}`), /^HTTP\/1.1 200 /);
});

test('finishes the response to an earlier request before an error in a later one', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context);
  const earlier = `GET /guests/${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const responses = await rawResponseTo(t, url, `${earlier}FROB / HTTP/1.1\r\n\r\n`);
  const second = responses.lastIndexOf('HTTP/1.1 ');
  t.regex(responses.slice(0, second), new RegExp(`^HTTP/1.1 200 .*"id":"${id}".*}$`, 's'));
  assertError(t, responses.slice(second), 400);
});

test('closes the connection of a rejected client without waiting for it', async (t) => {
  const { url } = await serveApi(t);
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  socket.write('FROB\r\n\r\n');
  assertError(t, await text(socket), 400);
  await t.notThrowsAsync(
    new Promise<void>((resolve) => {
      const writing = setInterval(() => socket.write('FROB\r\n\r\n'), 50);
      socket.once('error', () => {
        clearInterval(writing);
        resolve();
      });
    }),
  );
});

for (const [what, request] of Object.entries({
  'an action': 'POST /guests HTTP/1.1',
  'a body that is ignored': 'DELETE /images/a HTTP/1.1',
  'an unknown path': 'PUT /nowhere HTTP/1.1',
}))
  test(`rejects a body that is announced too large at once, for ${what}`, async (t) => {
    const { url } = await serveApi(t);
    const head = `${request}\r\nHost: localhost\r\nContent-Length: 99999999999\r\n`;
    const socket = open(t, url);
    socket.write(`${head}\r\n{`);
    const [response] = (await once(socket, 'data')) as [Buffer];
    t.regex(assertError(t, response.toString(), 413), /at most 1048576 bytes, got 99999999999/);
    // A client that asks first sends nothing, and the connection ends.
    const asked = await rawResponseTo(t, url, `${head}Expect: 100-continue\r\n\r\n`);
    assertError(t, asked, 413);
  });

const IMPATIENT = { ...DEFAULT_TIMEOUTS, headers: 200, request: 400, check: 50 };

for (const [what, request] of Object.entries({
  headers: 'GET /guests HTTP/1.1\r\nHost:',
  'a body': `${POST}Content-Length: 100\r\n\r\n{`,
  'a body that is ignored': `DELETE /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{`,
}))
  test(`responds with 408 to a request that does not finish ${what} in time`, async (t) => {
    const { url } = await serveApi(t, {}, IMPATIENT);
    t.regex(assertError(t, await rawResponseTo(t, url, request), 408), /did not arrive in time/);
  });

test('allows a response to take longer than a request may', async (t) => {
  // Long enough for the request itself to arrive in time on a busy machine.
  const patience = { ...IMPATIENT, headers: 2000, request: 2000 };
  const slow = async ({ guest }: AnyRequest): Promise<object> => {
    await new Promise((resolve) => setTimeout(resolve, 1.5 * patience.request));
    return { guest: { ...guest, state: 'running' } };
  };
  const { call, context } = await serveApi(t, { methods: { 'Test.start': slow } }, patience);
  const { id } = await addGuest(context, { state: 'shutoff' });
  t.like(await call('POST', `/guests/${id}/start?wait=30`), { status: 200, body: { id, state: 'running' } });
});

const ACTIONS: GuestAction[] = [
  'shutdown',
  'reboot',
  'restart',
  'poweroff',
  'start',
  'suspend',
  'resume',
  'save',
  'delete',
];

for (const action of ACTIONS)
  test(`rejects HEAD of a guest's ${action} with 405 and runs nothing`, async (t) => {
    const { call, context, scripted } = await serveApi(t);
    const { id } = await addGuest(context);
    const { status, headers, jobId } = await call('HEAD', `/guests/${id}/${action}`);
    t.is(status, 405);
    t.is(headers.get('allow'), 'POST, GET');
    t.is(jobId, null);
    t.deepEqual((await call('GET', '/jobs')).body, []);
    t.deepEqual(scripted.calls, []);
  });

test('responds to HEAD of routes that only read', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context);
  t.is((await call('HEAD', `/guests/${id}`)).status, 200);
});

for (const [method, path, body] of [
  ['PATCH', '/metadata', { '': 'x' }],
  ['POST', '/guests', { metadata: { '': 'x' } }],
] as const)
  test(`${method} ${path} rejects an empty metadata key and gives the allowed length`, async (t) => {
    const { call } = await serveApi(t);
    const response = await call(method, path, body);
    t.is(response.status, 400);
    t.regex((response.body as { message: string }).message, /metadata key must have 1 to 255 characters/);
  });

test('rejects an all-zero MAC address and says what to do', async (t) => {
  const { call } = await serveApi(t);
  const response = await call('POST', '/guests', { nics: [{ network: 'br0', mac: '00:00:00:00:00:00' }] });
  t.is(response.status, 400);
  t.regex((response.body as { message: string }).message, /nics\[0\]\.mac.*leave it out/);
});
