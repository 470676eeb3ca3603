import test from 'ava';
import { addGuest } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';

// Guarantees: G6.

const etagOf = async ({ call }: Api, path: string): Promise<string> =>
  (await call('GET', path)).headers.get('etag') ?? '';

test('gives guests and metadata an ETag that changes only with them', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context, { metadata: { owner: 'dev' } });
  for (const path of [`/guests/${id}`, `/guests/${id}/metadata`, '/metadata']) {
    const etag = await etagOf(api, path);
    t.regex(etag, /^"[\w-]{22}"$/);
    t.is(await etagOf(api, path), etag);
  }
});

test('responds with 304 to an unchanged If-None-Match', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context);
  const etag = await etagOf(api, `/guests/${id}`);
  const { status, text } = await api.call('GET', `/guests/${id}`, undefined, { 'If-None-Match': etag });
  t.is(status, 304);
  t.is(text, '');
});

for (const of of ['a guest', 'the hypervisor'])
  test(`rejects the second of two concurrent conditional changes to the metadata of ${of}`, async (t) => {
    const api = await serveApi(t);
    const { id } = await addGuest(api.context);
    const path = of === 'a guest' ? `/guests/${id}/metadata` : '/metadata';
    const condition = { 'If-Match': await etagOf(api, path) };
    const responses = await Promise.all([
      api.call('PATCH', path, { a: '1' }, condition),
      api.call('PATCH', path, { b: '2' }, condition),
    ]);
    t.deepEqual(responses.map(({ status }) => status).sort(), [200, 412]);
    const [won, lost] = responses.toSorted((one, other) => one.status - other.status);
    const { body, headers } = await api.call('GET', path);
    t.deepEqual(body, won?.body);
    t.is(headers.get('etag'), won?.headers.get('etag') ?? '');
    t.regex(lost?.text ?? '', /it has changed since you read it: its ETag is now .+, so read it again/);
  });

test('rejects an action on a guest that has changed since the client read it', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context, { state: 'shutoff' });
  const seen = { 'If-Match': await etagOf(api, `/guests/${id}`) };
  await api.context.guests.update(id, (guest) => ({ ...guest, state: 'running' }));
  t.is((await api.call('POST', `/guests/${id}/start`, undefined, seen)).status, 412);
  t.is((await api.call('DELETE', `/guests/${id}`, undefined, seen)).status, 412);
  t.deepEqual(api.context.jobs.list(), []);
  const now = { 'If-Match': `"other", ${await etagOf(api, `/guests/${id}`)}` };
  t.is((await api.call('DELETE', `/guests/${id}`, undefined, now)).status, 202);
});

test('matches any state with *', async (t) => {
  const { call } = await serveApi(t);
  t.is((await call('PATCH', '/metadata', { a: '1' }, { 'If-Match': '*' })).status, 200);
});

test('accepts the ETag of a compressed response', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context, { metadata: { long: 'x'.repeat(5000) } });
  const compressed = await api.call('GET', `/guests/${id}/metadata`, undefined, {
    'Accept-Encoding': 'gzip',
  });
  t.is(compressed.headers.get('content-encoding'), 'gzip');
  const condition = { 'If-Match': compressed.headers.get('etag') ?? '' };
  t.is((await api.call('PATCH', `/guests/${id}/metadata`, { a: '1' }, condition)).status, 200);
});

test('accepts one of several changes of a guest that come at once with the same ETag', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context);
  const seen = { 'If-Match': await etagOf(api, `/guests/${id}`) };
  const patches = [{ description: 'one' }, { description: 'two' }, { memory: 96 }, { memory: 97 }];
  const replies = await Promise.all(
    patches.map((patch) => api.call('PATCH', `/guests/${id}?wait=30`, patch, seen)),
  );
  t.deepEqual(replies.map(({ status }) => status).sort(), [200, 412, 412, 412]);
});
