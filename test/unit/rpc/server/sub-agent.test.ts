import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { RpcClient } from '../../../../lib/rpc/client/client.js';
import { HEALTH_PATH, RPC_PATH } from '../../../../lib/rpc/protocol/calls.js';
import { guestRequestSchema } from '../../../../lib/rpc/protocol/guest-messages.js';
import { Refusal } from '../../../../lib/rpc/protocol/refusal.js';
import { snapshotRequestSchema } from '../../../../lib/rpc/protocol/snapshot-messages.js';
import { SubAgent, type SubAgentOptions } from '../../../../lib/rpc/server/sub-agent.js';
import { GUEST_ID, serve, silentLog } from '../../../helpers/sub-agents.js';
import { gate } from '../../../helpers/wait.js';

const greeter = (options: Partial<SubAgentOptions> = {}): SubAgent =>
  new SubAgent({ name: 'greeter', log: silentLog, ...options }).method(
    'Greeter.Greet',
    guestRequestSchema,
    ({ guest, action }) => {
      if (action === 'fail') throw new Error('cannot greet');
      if (action === 'refuse') throw new Refusal('conflict', 'greeted already');
      return { guest, message: `hello ${action}` };
    },
  );

interface Posted {
  method?: string;
  path?: string;
  type?: string;
}

const post = async (
  t: ExecutionContext,
  subAgent: SubAgent,
  body: string | undefined,
  { method = 'POST', path = RPC_PATH, type = 'application/json' }: Posted = {},
): Promise<{ status: number; type: string | null; text: string }> => {
  const port = await serve(t, subAgent);
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': type, connection: 'close' },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return { status: response.status, type: response.headers.get('content-type'), text };
};

const of = (...texts: string[]): Readable => Readable.from(texts, { objectMode: false });

const call = (action: string, id = '1'): string =>
  `{"method":"Greeter.Greet","params":[{"guest":{"id":"${GUEST_ID}"},"action":"${action}"}],"id":${id}}`;

test('responds with the result of a method', async (t) => {
  const { status, type, text } = await post(t, greeter(), call('world'));
  t.is(status, 200);
  t.regex(type ?? '', /^application\/json/);
  t.is(text, `{"result":{"guest":{"id":"${GUEST_ID}"},"message":"hello world"},"error":null,"id":1}`);
});

test('echoes the largest id digit for digit', async (t) => {
  const { text } = await post(t, greeter(), call('world', '9223372036854775807'));
  t.true(text.endsWith('"id":9223372036854775807}'), text);
});

test('responds with 200 and the message when a method fails', async (t) => {
  const { status, text } = await post(t, greeter(), call('fail'));
  t.is(status, 200);
  t.is(text, '{"result":null,"error":"cannot greet","id":1}');
});

test('sends the kind of a refusal beside its message', async (t) => {
  const { status, text } = await post(t, greeter(), call('refuse'));
  t.is(status, 200);
  t.is(text, '{"result":null,"error":"greeted already","kind":"conflict","id":1}');
});

for (const [what, body] of Object.entries({
  'malformed JSON': '{"method":',
  'an unknown service': '{"method":"Nobody.Greet","params":[{}],"id":1}',
  'an unknown method': '{"method":"Greeter.Part","params":[{}],"id":1}',
  'a request of the wrong shape': '{"method":"Greeter.Greet","params":[{"guest":{"id":"x"}}],"id":1}',
  'a request without its guest': '{"method":"Greeter.Greet","params":[{}],"id":1}',
}))
  test(`rejects ${what} with 400 in plain text`, async (t) => {
    const { status, type, text } = await post(t, greeter(), body);
    t.is(status, 400);
    t.regex(type ?? '', /^text\/plain/);
    t.true(text.length > 10, text);
  });

for (const method of ['GET', 'PUT', 'DELETE'])
  test(`rejects ${method} with 405`, async (t) => {
    t.is((await post(t, greeter(), undefined, { method })).status, 405);
  });

test('rejects another content type with 415', async (t) => {
  t.is((await post(t, greeter(), call('world'), { type: 'text/plain' })).status, 415);
});

test('accepts a content type with a charset', async (t) => {
  t.is((await post(t, greeter(), call('world'), { type: 'application/json; charset=utf-8' })).status, 200);
});

test('passes unknown keys of a request on', async (t) => {
  const body = `{"method":"Greeter.Greet","params":[{"guest":{"id":"${GUEST_ID}"},"action":"x","new":1}],"id":1}`;
  t.is((await post(t, greeter(), body)).status, 200);
});

test('lists the methods on the health page', async (t) => {
  const { text } = await post(t, greeter(), undefined, { method: 'GET', path: HEALTH_PATH });
  t.deepEqual(JSON.parse(text), { name: 'greeter', status: 'ok', methods: ['Greeter.Greet'] });
});

test('reports a problem on the health page', async (t) => {
  const { text } = await post(t, greeter({ check: () => 'disk full' }), undefined, {
    method: 'GET',
    path: HEALTH_PATH,
  });
  t.like(JSON.parse(text), { status: 'degraded', message: 'disk full' });
});

test('tells a method the job, stage and attempt of its call', async (t) => {
  const jobs: unknown[] = [];
  const subAgent = new SubAgent({ name: 'told', log: silentLog }).method(
    'Told.Do',
    guestRequestSchema,
    ({ guest }, { job }) => {
      jobs.push(job);
      return { guest };
    },
  );
  const port = await serve(t, subAgent);
  const client = new RpcClient({
    service: 'told',
    endpoint: { address: { port }, secret: undefined },
    path: RPC_PATH,
    maxSockets: 1,
  });
  t.teardown(() => client.close());
  const request = { guest: { id: GUEST_ID }, action: 'do' };
  const stage = { job: 'a-job', stage: 2, attempt: 3 };
  await client.call('Told.Do', request, { stage });
  await client.call('Told.Do', request);
  t.deepEqual(jobs, [stage, undefined]);
});

test('opens a stream for a bare request', async (t) => {
  const subAgent = greeter().stream('/download', snapshotRequestSchema, ({ id }) => ({
    bytes: of(`bytes of ${id}`),
  }));
  const answer = await post(t, subAgent, '{"id":"x@y"}', { path: '/download', type: 'text/whatever' });
  t.deepEqual(answer, { status: 200, type: 'application/octet-stream', text: 'bytes of x@y' });
});

test('announces the length of a stream', async (t) => {
  const subAgent = greeter().stream('/download', snapshotRequestSchema, () => ({
    bytes: of('bytes'),
    length: 5,
  }));
  const port = await serve(t, subAgent);
  const response = await fetch(`http://127.0.0.1:${port}/download`, { method: 'POST', body: '{}' });
  t.is(response.headers.get('content-length'), '5');
  t.is(await response.text(), 'bytes');
});

test('responds with 200 to an empty stream', async (t) => {
  const subAgent = greeter().stream('/download', snapshotRequestSchema, () => ({ bytes: of(), length: 0 }));
  const port = await serve(t, subAgent);
  const response = await fetch(`http://127.0.0.1:${port}/download`, { method: 'POST', body: '{}' });
  t.is(response.status, 200);
  t.is(response.headers.get('content-length'), '0');
  t.is(await response.text(), '');
});

for (const [fewerOrMore, length] of Object.entries({ fewer: 6, more: 4 }))
  test(`aborts a stream of ${fewerOrMore} bytes than it announced`, async (t) => {
    const subAgent = greeter().stream('/download', snapshotRequestSchema, () => ({
      bytes: of('bytes'),
      length,
    }));
    const port = await serve(t, subAgent);
    const download = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${port}/download`, { method: 'POST', body: '{}' })).text();
    await t.throwsAsync(download, { any: true });
  });

test('responds with the status and the message of a refused stream', async (t) => {
  const subAgent = greeter().stream('/download', snapshotRequestSchema, () => {
    throw new Refusal('not_found', 'snapshot x: not found');
  });
  const { status, text } = await post(t, subAgent, '{}', { path: '/download' });
  t.is(status, 404);
  t.is(text, 'snapshot x: not found\n');
});

test('aborts the signal of a method when its caller disconnects', async (t) => {
  const aborted = gate();
  const called = gate();
  const subAgent = new SubAgent({ name: 'slow', log: silentLog }).method(
    'Slow.Wait',
    guestRequestSchema,
    async (_request, { signal }) => {
      signal.addEventListener('abort', aborted.open);
      called.open();
      await aborted.opened;
      return {};
    },
  );
  const port = await serve(t, subAgent);
  const controller = new AbortController();
  const waiting = fetch(`http://127.0.0.1:${port}${RPC_PATH}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"method":"Slow.Wait","params":[{"guest":{"id":"${GUEST_ID}"}}],"id":1}`,
    signal: controller.signal,
  });
  await called.opened;
  controller.abort();
  await t.throwsAsync(waiting, { any: true });
  await aborted.opened;
  t.pass();
});
