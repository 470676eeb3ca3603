import type { IncomingMessage, ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { MistifyClient, MistifyError } from '../../../lib/client/index.js';
import { refusingPort } from '../../helpers/ports.js';
import { serveRaw } from '../../helpers/raw-service.js';

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

/** An agent that does one step a request, the last one for all that follow. */
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

for (const [what, step] of [
  ['a connection that broke', cutOff],
  ['a 503', refuse(503)],
  ['a 429', refuse(429, { 'retry-after': '0' })],
] as const)
  test(`after ${what} a POST is sent again, with the same key`, async (t) => {
    const { client, requests } = await scripted(t, step, accept);
    t.is((await client.guests.create({ memory: 64 })).jobId, 'the-job');
    t.is(requests.length, 2);
    const keys = requests.map(({ headers }) => headers['idempotency-key']);
    t.regex(String(keys[0]), /^[0-9a-f-]{36}$/);
    t.is(keys[0], keys[1]);
  });

test('each POST has a key of its own, or the one that it is given', async (t) => {
  const { client, requests } = await scripted(t, accept);
  await client.guests.create({ memory: 64 });
  await client.guests.create({ memory: 64 });
  await client.guests.create({ memory: 64 }, { idempotencyKey: 'mine' });
  const keys = requests.map(({ headers }) => headers['idempotency-key']);
  t.is(new Set(keys).size, 3);
  t.is(keys[2], 'mine');
});

test('it is sent so often and no more', async (t) => {
  const { client, requests } = await scripted(t, refuse(503));
  const error = await t.throwsAsync<MistifyError>(client.guests.list(), { instanceOf: MistifyError });
  t.like(error, { status: 503, message: 'no: 503' });
  t.is(requests.length, 3);
});

test('what the agent asks for is waited before a request is sent again', async (t) => {
  const { client, requests } = await scripted(t, refuse(503, { 'retry-after': '1' }), accept);
  const startedAt = Date.now();
  await client.guests.create({});
  // Without it the next attempt comes within 400 ms.
  t.true(Date.now() - startedAt >= 900);
  t.is(requests.length, 2);
});

test('more patience than half a minute is for the caller to have', async (t) => {
  const { client, requests } = await scripted(t, refuse(503, { 'retry-after': '3600' }));
  t.like(await t.throwsAsync(client.guests.list()), { status: 503, retryAfter: 3600 });
  t.is(requests.length, 1);
});

for (const [what, ask] of [
  ['a DELETE', (client: MistifyClient) => client.images.delete('debian-12')],
  ['a PATCH', (client: MistifyClient) => client.metadata.patch({ a: '1' })],
] as const)
  test(`${what} whose answer was lost is not sent again: it may have been done`, async (t) => {
    const { client, requests } = await scripted(t, cutOff);
    t.like(await t.throwsAsync(ask(client)), { status: 0 });
    t.is(requests.length, 1);
  });

test('a DELETE that waits is not sent again after a 503, with which its job may have failed', async (t) => {
  const { client, requests } = await scripted(t, refuse(503, { 'retry-after': '0' }), accept);
  t.like(await t.throwsAsync(client.images.delete('debian-12', { wait: 60 })), { status: 503 });
  t.is(requests.length, 1);
});

test('a DELETE that does not wait is sent again after a 503: it was refused', async (t) => {
  const { client, requests } = await scripted(t, refuse(503, { 'retry-after': '0' }), accept);
  await client.images.delete('debian-12');
  t.is(requests.length, 2);
});

for (const status of [400, 404, 409, 500, 504])
  test(`a ${status} is no reason to ask again`, async (t) => {
    const { client, requests } = await scripted(t, refuse(status));
    t.like(await t.throwsAsync(client.guests.list()), { status });
    t.is(requests.length, 1);
  });

test('an agent that is not there cannot be reached: status 0', async (t) => {
  const url = `http://127.0.0.1:${await refusingPort(t)}`;
  const error = await t.throwsAsync<MistifyError>(new MistifyClient({ url, retries: 1 }).guests.list());
  t.like(error, { status: 0, code: 'ECONNREFUSED' });
  t.regex(error?.message ?? '', /^the agent cannot be reached: /);
});

test('an agent that does not answer in time cannot be reached, and is not asked again', async (t) => {
  const { requests, url } = await scripted(t, () => {});
  const client = new MistifyClient({ url, timeout: 3 });
  t.like(await t.throwsAsync(client.guests.list()), {
    status: 0,
    message: 'the agent cannot be reached: no answer within 3 s',
  });
  t.is(requests.length, 1);
});

test('what is no agent is said to be none', async (t) => {
  const { client } = await scripted(t, (_, response) => response.writeHead(404).end('<html>'));
  t.like(await t.throwsAsync(client.guests.list()), {
    status: 404,
    message: 'what answers there is no agent: HTTP status 404',
  });
});

const answer =
  (type: string, body: string): Step =>
  (_, response) =>
    response.writeHead(200, { 'content-type': type }).end(body);

for (const [what, step, ask] of [
  ['a page', answer('text/html', '<html>'), (client) => client.guests.get('web')],
  ['no body', answer('application/json', ''), (client) => client.metadata.get()],
  ['an object', answer('application/json', '{}'), (client) => client.guests.list()],
  ['a page', answer('text/html; charset=utf-8', '<html>'), (client) => client.metrics()],
  ['a page', answer('text/html', '<html>'), (client) => client.snapshotsOf('web').download('monday')],
  ['a page', answer('text/html', '<html>'), (client) => client.events().next()],
] as const satisfies [string, Step, (client: MistifyClient) => Promise<unknown>][])
  test(`${what} is not taken for an agent's answer to ${String(ask).split('client.')[1]}`, async (t) => {
    const { client, requests } = await scripted(t, step);
    t.like(await t.throwsAsync(ask(client)), {
      status: 0,
      message: 'what answers there is no agent: HTTP status 200',
    });
    t.is(requests.length, 1);
  });
