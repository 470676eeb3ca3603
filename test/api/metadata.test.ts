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

test('names the changed keys of a seed, which reach a virtual machine at its next start', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { hostname: 'web-1' } });
  const patch = async (body: object, guest = id) => {
    const { status, headers } = await call('PATCH', `/guests/${guest}/metadata`, body);
    t.is(status, 200);
    return headers.get('X-Next-Start');
  };
  t.is(await patch({ hostname: 'web-2', nameservers: '192.0.2.53', owner: 'ops' }), 'hostname, nameservers');
  t.is(await patch({ hostname: 'web-2', owner: 'dev' }), null);
  t.is(await patch({ 'user-data': '#!/bin/sh', hostname: null }), 'hostname, user-data');
  const container = await addGuest(context, { type: 'container' });
  t.is(await patch({ hostname: 'web-2' }, container.id), null);
});

test('rejects a PATCH with a hostname or a name server that create rejects', async (t) => {
  const { call, context } = await serveApi(t);
  const guest = await addGuest(context, { metadata: { hostname: 'old_name' } });
  for (const patch of [
    { hostname: 'web_1' },
    { hostname: '-web' },
    { nameservers: '192.0.2.53, dns.example' },
    { nameservers: 'fe80::1%eth0' },
  ])
    for (const query of ['', '?dryRun=true']) {
      const { status } = await call('PATCH', `/guests/${guest.id}/metadata${query}`, patch);
      t.is(status, 400, JSON.stringify(patch));
    }
  t.deepEqual(context.guests.get(guest.id), guest);
  t.is((await call('PATCH', `/guests/${guest.id}/metadata`, { owner: 'ops' })).status, 200);
});
