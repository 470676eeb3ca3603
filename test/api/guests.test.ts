import test from 'ava';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { gate } from '../helpers/wait.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

test('responds with a new guest in state create, its id and the id of its job', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { status, body, jobId } = await call('POST', '/guests', { memory: 64, cpu: 2, metadata: { a: '1' } });
  const { id } = body as { id: string };
  t.is(status, 202);
  t.regex(id, UUID);
  t.regex(jobId ?? '', UUID);
  t.deepEqual(body, { id, state: 'create', memory: 64, cpu: 2, metadata: { a: '1' } } as object);
  t.like(await finished(context, jobId), { GuestID: id, Action: 'create', Status: 'Complete' });
  t.deepEqual(scripted.requests('Test.create'), [{ guest: body, action: 'create' } as never]);
  t.like((await call('GET', `/guests/${id}`)).body, { id, state: 'running' });
});

test('keeps a given id, in lower case', async (t) => {
  const { call } = await serveApi(t);
  const id = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
  t.like((await call('POST', '/guests', { id })).body, { id });
});

test('rejects an id that is taken with 409 and keeps the existing guest', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const guest = await addGuest(context, { memory: 64 });
  const { status, body } = await call('POST', '/guests', { id: guest.id, memory: 128 });
  t.is(status, 409);
  t.regex((body as { message: string }).message, /already exists/);
  t.deepEqual(context.guests.list(), [guest]);
  t.deepEqual(scripted.requests('Test.create'), []);
});

test('accepts only one of two concurrent creations with the same id', async (t) => {
  const { call } = await serveApi(t);
  const id = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
  const responses = await Promise.all([1, 2].map(() => call('POST', '/guests', { id })));
  t.deepEqual(responses.map(({ status }) => status).sort(), [202, 409]);
});

const OWN_OF_SUB_AGENTS = {
  ...{ state: 'running', reason: 'killed', vnc: 5901 },
  disks: [{ size: 1, serial: 'disk0-000000000000' }],
};

test('ignores the keys that only sub-agents set, and lists them in a header', async (t) => {
  const { call } = await serveApi(t);
  const { body, headers } = await call('POST', '/guests', { ...OWN_OF_SUB_AGENTS, memory: 64 });
  t.like(body, { state: 'create', memory: 64 });
  t.false(JSON.stringify(body).includes('serial'));
  t.deepEqual(
    ['vnc', 'reason'].filter((key) => key in (body as object)),
    [],
  );
  t.is(headers.get('x-ignored-keys'), 'state, reason, vnc, disks[0].serial');
});

test('rejects keys that only sub-agents set in a dry run, which is strict', async (t) => {
  const { call } = await serveApi(t);
  const { status, body } = await call('POST', '/guests?dryRun=true', OWN_OF_SUB_AGENTS);
  t.is(status, 400);
  t.regex((body as { message: string }).message, /"state", "reason", "vnc", "disks\[0\]\.serial"/);
});

test('rejects a value of such a key that no guest has', async (t) => {
  const { call } = await serveApi(t);
  t.is((await call('POST', '/guests', { state: 5 })).status, 400);
});

test('shows the image beside the disks on the first disk', async (t) => {
  const { call } = await serveApi(t);
  const { body } = await call('POST', '/guests', { image: 'kvm-image', disks: [{ size: 9 }, { size: 5 }] });
  const { disks } = body as { disks: { image: string; size: number }[] };
  t.deepEqual(
    disks.map(({ image, size }) => [image, size]),
    [
      ['kvm-image', 9],
      ['', 5],
    ],
  );
});

test('rejects with 400 an image that no disk would clone', async (t) => {
  const { call, context } = await serveApi(t);
  const guest = { image: 'kvm-image', disks: [{ image: 'other' }, { size: 5 }] };
  const { status, body } = await call('POST', '/guests', guest);
  t.is(status, 400);
  t.regex((body as { message: string }).message, /image kvm-image would not be used/);
  t.deepEqual(context.guests.list(), []);
});

test('completes the keys of NICs and disks for clients and sub-agents', async (t) => {
  const { call, scripted, context } = await serveApi(t);
  const { body, jobId } = await call('POST', '/guests', {
    nics: [{ network: 'br0' }],
    disks: [{ image: 'kvm-image' }],
  });
  const expected = {
    nics: [{ network: 'br0', model: '', address: '', netmask: '', gateway: '', vlans: [] }],
    disks: [{ bus: '', device: '', size: 0, volume: '', image: 'kvm-image', source: '' }],
  };
  t.like(body, expected);
  await finished(context, jobId);
  t.like(scripted.requests('Test.create')[0]?.guest, expected);
});

const NONSENSE: Record<string, [body: unknown, names: RegExp]> = {
  'an id that is not a UUID': [{ id: '../../etc' }, /guest id|"id"/],
  'memory of 0': [{ memory: 0 }, /memory/],
  'a petabyte of memory': [{ memory: 1024 ** 3 }, /memory/],
  'memory in a string': [{ memory: '64' }, /memory/],
  'half a MB': [{ memory: 0.5 }, /memory/],
  '10,000 cpus': [{ cpu: 10_000 }, /cpu/],
  'a disk of -1': [{ disks: [{ size: -1 }] }, /disks\[0\]\.size/],
  'an image with ../ in it': [{ disks: [{ image: '../../etc/passwd' }] }, /image/],
  'a NIC with ../ in its name': [{ nics: [{ network: 'br0', name: '../x' }] }, /name/],
  'a bridge that is an option': [{ nics: [{ network: '-x' }] }, /network/],
  'a malformed MAC address': [{ nics: [{ network: 'br0', mac: 'zz' }] }, /mac/],
  'VLAN 5000': [{ nics: [{ network: 'br0', vlans: [5000] }] }, /vlans/],
  'a key of 300 characters in its metadata': [{ metadata: { ['k'.repeat(300)]: 'v' } }, /metadata\.kkk/],
  'metadata that is a number': [{ metadata: { a: 5 } }, /metadata\.a/],
  'disks that are not a list': [{ disks: {} }, /disks/],
  'a list': [[], /guest/],
  'a string': ['"guest"', /guest/],
};

for (const [what, [body, names]] of Object.entries(NONSENSE))
  test(`rejects a create with 400, names the mistake and stores nothing: ${what}`, async (t) => {
    const { call, context } = await serveApi(t);
    const response = await call('POST', '/guests', body);
    t.is(response.status, 400, response.text);
    t.regex((response.body as { message: string }).message, names);
    t.deepEqual([context.guests.list(), context.jobs.list()], [[], []] as never);
  });

test('reports all mistakes in a guest at once', async (t) => {
  const { call } = await serveApi(t);
  const { body } = await call('POST', '/guests', { memory: 0, cpu: -1 });
  t.regex((body as { message: string }).message, /memory.*cpu/);
});

test('rejects an unknown image with 404 at once and stores nothing', async (t) => {
  const { call, context } = await serveApi(t, { methods: { 'Test.getImage': () => ({ images: [] }) } });
  for (const guest of [{ disks: [{ image: 'nope' }] }, { image: 'nope' }]) {
    const { status, body } = await call('POST', '/guests', guest);
    t.is(status, 404);
    t.regex((body as { message: string }).message, /image nope/);
  }
  t.deepEqual(context.guests.list(), []);
});

test('responds with [] for an empty list', async (t) => {
  const { call } = await serveApi(t);
  t.is((await call('GET', '/guests')).text, '[]');
});

test('responds to an action with the guest as it is and the job', async (t) => {
  const { call, context } = await serveApi(t);
  const guest = await addGuest(context, { state: 'shutoff' });
  for (const method of ['POST', 'GET']) {
    const { status, body, jobId } = await call(method, `/guests/${guest.id}/start`);
    t.is(status, 202);
    t.like(body, { id: guest.id });
    t.like(await finished(context, jobId), { GuestID: guest.id, Action: 'start', Status: 'Complete' });
  }
  t.like((await call('GET', `/guests/${guest.id}`)).body, { state: 'running' });
});

test('keeps a guest readable until its deletion is done', async (t) => {
  const { opened, open } = gate();
  const { call, context } = await serveApi(t, {
    methods: {
      'Test.delete': async ({ guest }) => {
        await opened;
        return { guest };
      },
    },
  });
  const { id } = await addGuest(context);
  const { status, jobId } = await call('DELETE', `/guests/${id}`);
  t.is(status, 202);
  t.is((await call('GET', `/guests/${id}`)).status, 200);
  open();
  t.like(await finished(context, jobId), { Action: 'delete', Status: 'Complete' });
  t.is((await call('GET', `/guests/${id}`)).status, 404);
  t.like((await call('GET', `/guests/${id}/jobs`)).body, [{ ID: jobId ?? '' }]);
});
