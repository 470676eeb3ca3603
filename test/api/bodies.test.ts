import test from 'ava';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

const guest = { memory: 64 };

for (const type of [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'nonsense',
])
  test(`reads a JSON body whose Content-Type is ${type}`, async (t) => {
    const { call } = await serveApi(t);
    const { status, body } = await call('POST', '/guests', guest, { 'content-type': type });
    t.is(status, 202);
    t.like(body, { memory: 64, state: 'create' });
  });

test('says where a body is not JSON', async (t) => {
  const { call } = await serveApi(t);
  const { status, body } = await call('POST', '/guests', '{\n  "memory": 64,\n  nonsense\n}');
  t.is(status, 400);
  t.regex((body as { message: string }).message, /^the body is not JSON: line 3, column 3: /);
});

for (const [what, body] of [
  ['null', 'null'],
  ['{}', '{}'],
  ['no body', undefined],
] as const)
  test(`POST /guests with ${what} creates an empty guest`, async (t) => {
    const { call } = await serveApi(t);
    const response = await call('POST', '/guests', body);
    t.is(response.status, 202);
    t.deepEqual(Object.keys(response.body as object), ['id', 'state']);
  });

for (const [what, body] of [
  ['no body', undefined],
  ['null', 'null'],
  ['a guest', '{"id":"x"}'],
  ['malformed JSON', 'not { JSON'],
] as const) {
  test(`runs an action whose body is ${what}`, async (t) => {
    const { call, context } = await serveApi(t);
    const { id } = await addGuest(context);
    const { status, jobId } = await call('POST', `/guests/${id}/suspend`, body, {
      'content-type': 'application/json',
    });
    t.is(status, 202);
    t.is((await finished(context, jobId)).Status, 'Complete');
  });

  test(`deletes when the body is ${what}`, async (t) => {
    const { call, context } = await serveApi(t);
    const { id } = await addGuest(context);
    const { status, jobId } = await call('DELETE', `/guests/${id}`, body);
    t.is(status, 202);
    t.is((await finished(context, jobId)).Status, 'Complete');
  });
}

test('accepts a trailing slash', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context);
  for (const path of [
    '/guests/',
    `/guests/${id}/`,
    '/jobs/?limit=3',
    '/debug/pprof/',
    `/guests/${id}/metadata/`,
  ])
    t.is((await call('GET', path)).status, 200, path);
  t.is((await call('POST', `/guests/${id}/start/`)).status, 202);
});

test('accepts a guest id in capitals', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context);
  t.like((await call('GET', `/guests/${id.toUpperCase()}`)).body, { id });
});

for (const encoding of ['gzip', 'deflate'])
  test(`compresses a long response with ${encoding} when the client accepts it`, async (t) => {
    const { call, context } = await serveApi(t);
    for (let count = 0; count < 30; count++) await addGuest(context, { memory: 64 });
    const response = await call('GET', '/guests', undefined, { 'accept-encoding': encoding });
    t.is(response.headers.get('content-encoding'), encoding);
    t.is((response.body as unknown[]).length, 30);
    const plain = await call('GET', '/guests', undefined, { 'accept-encoding': 'identity' });
    t.is(plain.headers.get('content-encoding'), null);
    t.deepEqual(plain.body, response.body);
  });

test('responds with JSON in UTF-8', async (t) => {
  const { call } = await serveApi(t);
  await call('PATCH', '/metadata', { ort: 'Köln' });
  const { headers, body } = await call('GET', '/metadata');
  t.regex(headers.get('content-type') ?? '', /^application\/json(; charset=utf-8)?$/);
  t.deepEqual(body, { ort: 'Köln' } as object);
});
