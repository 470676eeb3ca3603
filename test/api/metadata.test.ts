import test from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

for (const of of ['the hypervisor', 'a guest']) {
  const path = of === 'a guest' ? (id: string) => `/guests/${id}/metadata` : () => '/metadata';

  test(`responds with {} for the metadata of ${of} without any`, async (t) => {
    const { call, context } = await serveApi(t);
    t.is((await call('GET', path((await addGuest(context)).id))).text, '{}');
  });

  test(`PATCH of the metadata of ${of} sets keys and removes null and empty ones`, async (t) => {
    const { call, context } = await serveApi(t);
    const url = path((await addGuest(context)).id);
    const first = await call('PATCH', url, { a: '1', b: '2', c: '3', 'x.y': '4', $z: '5' });
    t.is(first.status, 200);
    t.deepEqual(first.body, { a: '1', b: '2', c: '3', 'x.y': '4', $z: '5' } as object);
    const second = await call('PATCH', url, { a: 'new', b: null, c: '', 'x.y': '6', d: null });
    t.deepEqual(second.body, { a: 'new', 'x.y': '6', $z: '5' } as object);
    t.deepEqual((await call('GET', url)).body, second.body);
  });

  test(`PATCH of the metadata of ${of} with {}, null or no body changes nothing`, async (t) => {
    const { call, context } = await serveApi(t);
    const url = path((await addGuest(context)).id);
    await call('PATCH', url, { a: '1' });
    for (const body of ['{}', 'null', undefined])
      t.deepEqual((await call('PATCH', url, body)).body, { a: '1' } as object);
  });

  for (const [what, body] of Object.entries({
    'a number for a value': { a: 5 },
    'a hash for a value': { a: {} },
    'a list': [],
    'a key of 300 characters': { ['k'.repeat(300)]: 'v' },
    'an empty key': { '': 'v' },
    'the key __proto__': '{"__proto__":"v"}',
  }))
    test(`PATCH of the metadata of ${of} rejects ${what} with 400 and changes nothing`, async (t) => {
      const { call, context } = await serveApi(t);
      const url = path((await addGuest(context)).id);
      await call('PATCH', url, { a: '1' });
      t.is((await call('PATCH', url, body)).status, 400);
      t.deepEqual((await call('GET', url)).body, { a: '1' } as object);
    });

  test(`concurrent PATCHes of the metadata of ${of} lose nothing`, async (t) => {
    const { call, context } = await serveApi(t);
    const url = path((await addGuest(context)).id);
    const keys = Array.from({ length: 30 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => call('PATCH', url, { [key]: 'v' })));
    t.deepEqual(Object.keys((await call('GET', url)).body as object).sort(), keys.sort());
  });
}

test('rejects metadata that would be too large in total and keeps the existing keys', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { owner: 'ops' } });
  const much = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, 'x'.repeat(1000)]));
  for (const path of [`/guests/${id}/metadata`, '/metadata']) {
    const { status, body } = await call('PATCH', path, much);
    t.is(status, 400);
    t.regex((body as { message: string }).message, /at most 262144 bytes in total/);
  }
  t.deepEqual((await call('GET', `/guests/${id}/metadata`)).body, { owner: 'ops' });
});
