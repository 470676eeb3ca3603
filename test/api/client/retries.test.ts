import type { IncomingMessage, ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { MistifyClient, MistifyError } from '../../../lib/client/index.js';
import { refusingPort } from '../../helpers/ports.js';
import { serveRaw } from '../../helpers/raw-service.js';

// Guarantees: G5.

type Step = (request: IncomingMessage, response: ServerResponse) => void;

const cutOff: Step = (request) => request.socket.destroy();

const refuse =
  (status: number, headers: Record<string, string> = {}): Step =>
  (_, response) => {
    response.writeHead(status, headers).end(JSON.stringify({ message: `no: ${status}`, code: status }));
  };

const accept: Step = (_, response) => {
  response.writeHead(202, { 'content-type': 'application/json', 'x-guest-job-id': 'the-job' }).end('{}');
};

/** Serves one step per request, and the last one for all further requests. */
const scripted = async (t: ExecutionContext, ...steps: [Step, ...Step[]]) => {
  const requests: IncomingMessage[] = [];
  const port = await serveRaw(t, (request, response) => {
    requests.push(request);
    request.resume();
    (steps[requests.length - 1] ?? steps.at(-1))?.(request, response);
  });
  const url = `http://127.0.0.1:${port}`;
  return { requests, url, client: new MistifyClient({ url, retries: 2 }) };
};

for (const [failure, step] of [
  ['a broken connection', cutOff],
  ['a 503', refuse(503)],
  ['a 429', refuse(429, { 'retry-after': '0' })],
] as const)
  test(`sends a POST again after ${failure}, with the same key`, async (t) => {
    const { client, requests } = await scripted(t, step, accept);
    t.is((await client.guests.create({ memory: 64 })).jobId, 'the-job');
    t.is(requests.length, 2);
    const keys = requests.map(({ headers }) => headers['idempotency-key']);
    t.regex(String(keys[0]), /^[0-9a-f-]{36}$/);
    t.is(keys[0], keys[1]);
  });

test('gives each POST a random key, or the given one', async (t) => {
  const { client, requests } = await scripted(t, accept);
  await client.guests.create({ memory: 64 });
  await client.guests.create({ memory: 64 });
  await client.guests.create({ memory: 64 }, { idempotencyKey: 'mine' });
  const keys = requests.map(({ headers }) => headers['idempotency-key']);
  t.is(new Set(keys).size, 3);
  t.is(keys[2], 'mine');
});

test('stops after the configured retries', async (t) => {
  const { client, requests } = await scripted(t, refuse(503));
  const error = await t.throwsAsync<MistifyError>(client.guests.list(), { instanceOf: MistifyError });
  t.like(error, { status: 503, message: 'no: 503' });
  t.is(requests.length, 3);
});

test('waits for Retry-After before sending again', async (t) => {
  const { client, requests } = await scripted(t, refuse(503, { 'retry-after': '1' }), accept);
  const startedAt = Date.now();
  await client.guests.create({});
  // Without Retry-After the next attempt follows within 400 ms.
  t.true(Date.now() - startedAt >= 900);
  t.is(requests.length, 2);
});

test('does not wait for a Retry-After of more than 30 seconds', async (t) => {
  const { client, requests } = await scripted(t, refuse(503, { 'retry-after': '3600' }));
  t.like(await t.throwsAsync(client.guests.list()), { status: 503, retryAfter: 3600 });
  t.is(requests.length, 1);
});

for (const [what, ask] of [
  ['a DELETE', (client: MistifyClient) => client.images.delete('debian-12')],
  ['a PATCH', (client: MistifyClient) => client.metadata.patch({ a: '1' })],
] as const)
  test(`does not send ${what} again after a lost response`, async (t) => {
    const { client, requests } = await scripted(t, cutOff);
    t.like(await t.throwsAsync(ask(client)), { status: 0 });
    t.is(requests.length, 1);
  });

test('does not send a waiting DELETE again after a 503, which may be the result of its job', async (t) => {
  const { client, requests } = await scripted(t, refuse(503, { 'retry-after': '0' }), accept);
  t.like(await t.throwsAsync(client.images.delete('debian-12', { wait: 60 })), { status: 503 });
  t.is(requests.length, 1);
});

test('sends a DELETE without wait again after a 503', async (t) => {
  const { client, requests } = await scripted(t, refuse(503, { 'retry-after': '0' }), accept);
  await client.images.delete('debian-12');
  t.is(requests.length, 2);
});

for (const status of [400, 404, 409, 500, 504])
  test(`does not send again after a ${status}`, async (t) => {
    const { client, requests } = await scripted(t, refuse(status));
    t.like(await t.throwsAsync(client.guests.list()), { status });
    t.is(requests.length, 1);
  });

test('throws status 0 when nothing listens', async (t) => {
  const url = `http://127.0.0.1:${await refusingPort(t)}`;
  const error = await t.throwsAsync<MistifyError>(new MistifyClient({ url, retries: 1 }).guests.list());
  t.like(error, { status: 0, code: 'ECONNREFUSED' });
  t.regex(error?.message ?? '', /^cannot reach the agent: /);
});

test('throws status 0 after a timeout, without a retry', async (t) => {
  const { requests, url } = await scripted(t, () => {});
  const client = new MistifyClient({ url, timeout: 3 });
  t.like(await t.throwsAsync(client.guests.list()), {
    status: 0,
    message: 'cannot reach the agent: no response within 3 s',
  });
  t.is(requests.length, 1);
});

test('reports a server that is not an agent', async (t) => {
  const { client } = await scripted(t, (_, response) => response.writeHead(404).end('<html>'));
  t.like(await t.throwsAsync(client.guests.list()), {
    status: 404,
    message: 'the server at this address is not an agent: HTTP status 404',
  });
});

const respond =
  (type: string, body: string): Step =>
  (_, response) =>
    response.writeHead(200, { 'content-type': type }).end(body);

for (const [what, step, ask] of [
  ['a page', respond('text/html', '<html>'), (client) => client.guests.get('web')],
  ['no body', respond('application/json', ''), (client) => client.metadata.get()],
  ['an object', respond('application/json', '{}'), (client) => client.guests.list()],
  ['a page', respond('text/html; charset=utf-8', '<html>'), (client) => client.metrics()],
  ['a page', respond('text/html', '<html>'), (client) => client.snapshotsOf('web').download('monday')],
  ['a page', respond('text/html', '<html>'), (client) => client.events().next()],
] as const satisfies [string, Step, (client: MistifyClient) => Promise<unknown>][])
  test(`rejects ${what} in response to ${String(ask).split('client.')[1]}`, async (t) => {
    const { client, requests } = await scripted(t, step);
    t.like(await t.throwsAsync(ask(client)), {
      status: 0,
      message: 'the server at this address is not an agent: HTTP status 200',
    });
    t.is(requests.length, 1);
  });
