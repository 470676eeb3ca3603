import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { addGuest } from '../helpers/agent.js';
import { type ApiResponse, serveApi } from '../helpers/api.js';

const NO_GUEST = '00000000-0000-4000-8000-000000000000';

/** Checks that an error has the contract's shape, and returns its message. */
const assertError = (t: ExecutionContext, { status, headers, body }: ApiResponse, code: number): string => {
  const { message, ...rest } = body as { message: string };
  t.is(status, code, message);
  t.deepEqual(rest, { code, stack: [] } as object);
  t.regex(headers.get('content-type') ?? '', /^application\/json/);
  t.true(message.length > 5, message);
  return message;
};

const NOT_FOUND: [method: string, path: string, message: string][] = [
  ['GET', '/nowhere', '/nowhere: no such path'],
  ['PUT', '/nowhere', '/nowhere: no such path'],
  ['POST', `/guests/${NO_GUEST}/frobnicate`, `/guests/${NO_GUEST}/frobnicate: no such path`],
  ['GET', `/guests/${NO_GUEST}`, `guest ${NO_GUEST}: not found`],
  ['DELETE', `/guests/${NO_GUEST}`, `guest ${NO_GUEST}: not found`],
  ['POST', `/guests/${NO_GUEST}/start`, `guest ${NO_GUEST}: not found`],
  ['GET', `/guests/${NO_GUEST}/jobs`, `guest ${NO_GUEST}: not found`],
  ['GET', `/guests/${NO_GUEST}/metadata`, `guest ${NO_GUEST}: not found`],
  ['PATCH', `/guests/${NO_GUEST}/metadata`, `guest ${NO_GUEST}: not found`],
  ['GET', `/guests/${NO_GUEST}/metrics/cpu`, `guest ${NO_GUEST}: not found`],
  ['GET', `/guests/${NO_GUEST}/snapshots`, `guest ${NO_GUEST}: not found`],
  ['GET', `/guests/${NO_GUEST}/snapshots/x/download`, `guest ${NO_GUEST}: not found`],
  ['GET', `/jobs/${NO_GUEST}`, `job ${NO_GUEST}: not found`],
  ['GET', '/debug/pprof/goroutine', 'profile goroutine: not found; choose from profile, heap'],
];

for (const [method, path, message] of NOT_FOUND)
  test(`${method} ${path.replace(NO_GUEST, 'ID')} responds with 404 and names what is missing`, async (t) => {
    const { call } = await serveApi(t);
    t.is(assertError(t, await call(method, path), 404), message);
  });

for (const [method, path, allow] of [
  ['PUT', '/guests', 'GET, HEAD, POST'],
  ['DELETE', '/jobs', 'GET, HEAD'],
  ['POST', '/metadata', 'GET, HEAD, PATCH'],
  ['DELETE', `/guests/${NO_GUEST}/start`, 'POST, GET'],
  ['POST', '/debug/pprof', 'GET, HEAD'],
] as const)
  test(`${method} ${path.replace(NO_GUEST, 'ID')} responds with 405 and the allowed methods`, async (t) => {
    const { call } = await serveApi(t);
    const response = await call(method, path, method === 'PUT' ? 'not { JSON' : undefined);
    assertError(t, response, 405);
    t.is(response.headers.get('allow'), allow);
  });

for (const [method, path] of [
  ['POST', '/guests'],
  ['POST', '/images'],
  ['PATCH', '/metadata'],
  ['PATCH', `/guests/${NO_GUEST}/metadata`],
  ['POST', `/guests/${NO_GUEST}/snapshots`],
  ['POST', `/guests/${NO_GUEST}/snapshots/monday/rollback`],
] as const)
  test(`${method} ${path.replace(NO_GUEST, 'ID')} rejects malformed JSON with 400`, async (t) => {
    const { call } = await serveApi(t);
    t.regex(assertError(t, await call(method, path, '{"id":'), 400), /JSON/);
  });

test('rejects with 413 a body that is too large', async (t) => {
  const { call } = await serveApi(t);
  assertError(t, await call('POST', '/guests', { metadata: { a: 'x'.repeat(1100 * 1024) } }), 413);
});

for (const [path, message] of [
  ['/guests/not-a-uuid', /guest id/],
  ['/guests/..%2f..%2fetc', /guest id/],
  ['/guests/%7B00000000-0000-4000-8000-000000000000%7D', /guest id/],
  ['/guests/00000000000040008000000000000000', /guest id/],
  [`/guests/${NO_GUEST}/jobs/1`, /job id/],
  [`/guests/${NO_GUEST}/snapshots/a%2fb`, /snapshot name/],
  [`/guests/${NO_GUEST}/snapshots/${'x'.repeat(256)}`, /snapshot name/],
  [`/guests/${NO_GUEST}/disks/26/snapshots`, /disk/],
  [`/guests/${NO_GUEST}/disks/..%2f0/snapshots`, /disk/],
  ['/images/..%2f..%2fetc%2fpasswd', /image id/],
  ['/jobs?limit=0', /limit/],
  ['/jobs?limit=many', /limit/],
  ['/debug/pprof/profile?seconds=-1', /seconds/],
  ['/debug/pprof/profile?seconds=1e-9', /"seconds" must be at least 0.001 s, got 1e-9/],
] as const)
  test(`GET ${path.slice(0, 80)} responds with 400 and names the mistake`, async (t) => {
    const { call } = await serveApi(t);
    t.regex(assertError(t, await call('GET', path), 400), message);
  });

test('rejects a malformed path with 400 in the same shape', async (t) => {
  const { url } = await serveApi(t);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end('GET /guests/%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  t.regex(head, /^HTTP\/1\.1 400 /);
  t.like(JSON.parse(body), { code: 400, stack: [] });
});

test('rejects an action that is not configured with 404 and its name', async (t) => {
  const { call, context } = await serveApi(t, { actions: { suspend: undefined, containerStart: undefined } });
  const { id } = await addGuest(context);
  t.is(assertError(t, await call('POST', `/guests/${id}/suspend`), 404), 'suspend: Not configured');
  const container = await addGuest(context, { type: 'container' });
  t.is(
    assertError(t, await call('POST', `/guests/${container.id}/start`), 404),
    'containerStart: Not configured',
  );
});

test('includes the stack as an array of strings with debug logging', async (t) => {
  const log = pino({ level: 'debug' }, { write: () => {} });
  const { call } = await serveApi(t, { log });
  const { body } = await call('GET', `/guests/${NO_GUEST}`);
  const { stack, ...rest } = body as { stack: string[] };
  t.deepEqual(rest, { message: `guest ${NO_GUEST}: not found`, code: 404 } as object);
  t.true(stack.length > 2 && stack.every((line) => typeof line === 'string'));
});

test('responds to an unexpected error with 500 and keeps its cause for the log', async (t) => {
  const logged: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => logged.push(line) });
  const { call, context } = await serveApi(t, { log });
  context.guests.page = () => {
    throw new Error('secret');
  };
  t.notRegex(assertError(t, await call('GET', '/guests'), 500), /secret/);
  t.regex(logged.join(''), /secret/);
});
