import test from 'ava';
import { addGuest, finished } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';

const nic = (more: object = {}) => ({ network: 'br0', ...more });
const MAC = '52:54:00:00:00:0a';

/** Creates a guest and returns the status and message of the response. */
const create = async ({ call }: Api, guest: object) => {
  const { status, body } = await call('POST', '/guests', guest);
  const { id, message } = body as { id: string; message?: string };
  return { status, id, message };
};

test('rejects with 409 a name that another guest has, and names that guest', async (t) => {
  const api = await serveApi(t);
  const { id } = await create(api, { metadata: { name: 'db' } });
  const { status, message } = await create(api, { metadata: { name: 'db' } });
  t.is(status, 409);
  t.is(message, `guest ${id} has the name "db": choose another, or rename that guest`);
  t.is((await create(api, { type: 'container', metadata: { name: 'db' } })).status, 409);
  t.is((await create(api, { metadata: { name: 'db2' } })).status, 202);
  t.is((await api.call('POST', '/guests?dryRun=true', { metadata: { name: 'db' } })).status, 409);
});

test('accepts only one of two concurrent creations with the same name', async (t) => {
  const api = await serveApi(t);
  const responses = await Promise.all([1, 2, 3].map(() => create(api, { metadata: { name: 'db' } })));
  t.deepEqual(responses.map(({ status }) => status).sort(), [202, 409, 409]);
  t.is(api.context.guests.list().length, 1);
});

test('rejects a PATCH with the name of another guest, and accepts the guest’s own name', async (t) => {
  const { call, context } = await serveApi(t);
  const one = await addGuest(context, { metadata: { name: 'db' } });
  const two = await addGuest(context, { metadata: { name: 'web' } });
  const path = `/guests/${two.id}/metadata`;
  for (const query of ['', '?dryRun=true']) {
    const { status, body } = await call('PATCH', `${path}${query}`, { name: 'db' });
    t.is(status, 409);
    t.true((body as { message: string }).message.includes(one.id));
  }
  t.is(context.guests.get(two.id).metadata?.name, 'web');
  for (const patch of [{ name: 'web' }, { name: 'web2' }, { name: null }, { owner: 'ops' }])
    t.is((await call('PATCH', path, patch)).status, 200);
});

test('accepts a name twice when the config says so', async (t) => {
  const api = await serveApi(t, { server: { unique_names: false } });
  for (const _ of [1, 2]) t.is((await create(api, { metadata: { name: 'db' } })).status, 202);
});

test('rejects with 409 the MAC address of another guest on the same network', async (t) => {
  const api = await serveApi(t);
  const { id } = await create(api, { nics: [nic({ mac: MAC })] });
  const taken = await create(api, { nics: [nic(), nic({ mac: MAC.toUpperCase() })] });
  t.is(taken.status, 409);
  t.is(taken.message, `NIC 1: guest ${id} has the MAC ${MAC} on network br0: choose another`);
  t.is((await create(api, { nics: [nic({ mac: MAC, vlans: [1] })] })).status, 409);
  for (const other of [
    { network: 'br1' },
    { network: 'user' },
    { vlans: [7] },
    { mac: MAC.replace('a', 'b') },
  ])
    t.is((await create(api, { nics: [nic({ mac: MAC, ...other })] })).status, 202, JSON.stringify(other));
  for (const _ of [1, 2])
    t.is((await create(api, { nics: [nic({ network: 'user', mac: MAC })] })).status, 202);
});

test('rejects with 409 the address of another guest on the same network, in any form', async (t) => {
  const api = await serveApi(t);
  const addresses = [nic({ address: '192.0.2.10', netmask: '24' }), nic({ address: 'fd00::a/64' })];
  const { id } = await create(api, { nics: addresses });
  for (const address of ['192.0.2.10/16', 'fd00:0:0::000a/64', 'FD00::A/64']) {
    const { status, message } = await create(api, { nics: [nic({ address })] });
    t.is(status, 409, address);
    t.true(message?.startsWith(`NIC 0: guest ${id} has the address `), message);
  }
  t.is((await create(api, { nics: [nic({ address: '192.0.2.11/24' })] })).status, 202);
  await addGuest(api.context, {
    state: 'error',
    nics: [{ ...addresses[0], address: '192.0.2.12' } as never],
  });
  t.is((await create(api, { nics: [nic({ address: '192.0.2.12/24' })] })).status, 202);
});

test('fails a create when another guest has its generated MAC address', async (t) => {
  const api = await serveApi(t, {
    methods: {
      'Test.create': ({ guest }) => ({
        guest: { ...guest, nics: guest.nics?.map((each) => ({ ...each, mac: MAC })) },
      }),
    },
  });
  const first = await api.call('POST', '/guests', { nics: [nic()] });
  t.is((await finished(api.context, first.jobId)).Status, 'Complete');
  const second = await api.call('POST', '/guests', { nics: [nic()] });
  t.like(await finished(api.context, second.jobId), {
    Status: 'Error',
    Message: `NIC 0: guest ${(first.body as { id: string }).id} has the MAC ${MAC} on network br0: choose another`,
  });
});

for (const [what, addresses] of [
  ['the same text', ['192.0.2.7', '192.0.2.7']],
  ['another prefix length', ['192.0.2.7/24', '192.0.2.7/25']],
  ['another form', ['2001:db8::7', '2001:DB8:0::7']],
] as const)
  test(`rejects a guest with one address on two NICs: ${what}`, async (t) => {
    const api = await serveApi(t);
    const nics = addresses.map((address, n) => nic({ network: `br${n}`, address }));
    for (const query of ['', '?dryRun=true']) {
      const { status, body } = await api.call('POST', `/guests${query}`, { nics });
      t.is(status, 400);
      t.regex(
        (body as { message: string }).message,
        /^NIC 1: NIC 0 already has the address \S+: choose another$/,
      );
    }
    t.deepEqual(api.context.guests.list(), []);
  });

test('accepts several NICs without an address', async (t) => {
  t.is((await create(await serveApi(t), { nics: [nic(), nic()] })).status, 202);
});

const UNREADABLE = 'a\n\u0000b';

test('rejects a name or a description that nobody can read with 400, whatever makes or changes the guest', async (t) => {
  const upload = async (): Promise<object> => ({
    ...{ format: 'ova', token: 'mine', notes: [] },
    guest: { id: '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10', metadata: { name: UNREADABLE } },
  });
  const api = await serveApi(t, { upload });
  const { id } = await addGuest(api.context, { state: 'shutoff' });
  const named = encodeURIComponent(UNREADABLE);
  for (const [method, path, body] of [
    ['POST', '/guests', { metadata: { name: UNREADABLE } }],
    ['POST', '/guests', { description: 'a\u0007' }],
    ['POST', '/guests?dryRun=true', { metadata: { name: UNREADABLE } }],
    ['POST', '/guests/import', undefined],
    ['POST', `/guests/import?name=${named}`, undefined],
    ['POST', `/guests/${id}/clone`, { name: UNREADABLE }],
    ['POST', `/guests/${id}/clone`, { metadata: { name: UNREADABLE } }],
    ['POST', `/backups/${id}/restore`, { name: UNREADABLE }],
    ['PATCH', `/guests/${id}/metadata`, { name: UNREADABLE }],
    ['PATCH', `/guests/${id}`, { description: 'a\u0007' }],
  ] as const) {
    const { status, body: error } = await api.call(method, path, body);
    t.is(status, 400, `${method} ${path}`);
    t.regex((error as Error).message, /must have no control characters/);
  }
  t.is(api.context.guests.list().length, 1);
  t.is((await create(api, { description: 'two\nlines,\tand a tab' })).status, 202);
});

test('rejects a new guest with an invalid hostname with 400', async (t) => {
  const { status, message } = await create(await serveApi(t), { metadata: { hostname: 'a\nb' } });
  t.is(status, 400);
  t.regex(message ?? '', /is not a valid host name/);
});
