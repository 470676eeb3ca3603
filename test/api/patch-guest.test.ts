import test from 'ava';
import type { Guest } from '../../lib/model/guest.js';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { until } from '../helpers/wait.js';

const messageOf = (body: unknown): string => (body as { message: string }).message;

test('changes name, description and tags without a stage, for virtual machines and containers', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  for (const type of ['kvm', 'container']) {
    const metadata = { name: `old-${type}`, owner: 'ops' };
    const { id } = await addGuest(context, { type, metadata, description: 'old' });
    const change = { name: `new-${type}`, description: null, tags: ['büro', 'env=prod'] };
    const { status, body } = await call('PATCH', `/guests/${id}?wait=30`, change);
    t.is(status, 200, messageOf(body));
    t.like(body, { metadata: { name: `new-${type}`, owner: 'ops' }, tags: ['büro', 'env=prod'] });
    t.false('description' in (body as Guest));
    t.like(await call('GET', `/guests/${id}`), { body: { tags: ['büro', 'env=prod'] } });
    await call('PATCH', `/guests/${id}?wait=30`, { name: null, tags: null });
    t.deepEqual(context.guests.get(id).metadata, { owner: 'ops' });
    t.is(context.guests.get(id).tags, undefined);
  }
  t.deepEqual(scripted.calls, []);
});

test('sends the sub-agent its keys, and stores its answer together with the keys of the agent', async (t) => {
  const { call, context, scripted } = await serveApi(t, {
    methods: {
      'Test.update': ({ guest: { id } }) => ({
        guest: { id, memory: 512, cpu: 2, maxMemory: 0, pending: { memory: 256 } },
        message: 'memory at the next start',
      }),
    },
  });
  const { id } = await addGuest(context, { memory: 512, maxMemory: 1024 });
  const stored: Guest[] = [];
  context.guests.onChange((_, guest) => void stored.push(guest));
  const change = { memory: 256, cpu: 2, maxMemory: null, name: 'web', tags: ['a'] };
  const reply = await call('PATCH', `/guests/${id}?wait=30`, change);
  t.is(reply.status, 200, messageOf(reply.body));
  const { memory, cpu, maxMemory } = change;
  t.deepEqual(scripted.requests('Test.update')[0]?.change, { memory, cpu, maxMemory });
  const expected = { memory: 512, cpu: 2, pending: { memory: 256 }, tags: ['a'], metadata: { name: 'web' } };
  t.like(reply.body, expected);
  t.false('maxMemory' in (reply.body as Guest));
  t.is(stored.length, 1);
  t.like(stored[0], expected);
  t.is((await finished(context, reply.jobId)).Message, 'memory at the next start');
});

test('changes nothing when the sub-agent refuses', async (t) => {
  const { call, context } = await serveApi(t, {
    methods: {
      'Test.update': () => {
        throw new Error('no');
      },
    },
  });
  const { id } = await addGuest(context, { memory: 512 });
  const reply = await call('PATCH', `/guests/${id}?wait=30`, { memory: 256, tags: ['a'] });
  t.is(reply.status, 502, messageOf(reply.body));
  t.is(context.guests.get(id).tags, undefined);
});

for (const [what, change, message] of [
  ['a key that is changed elsewhere', { disks: [] }, /^"disks" cannot be changed here: .*\/disks/],
  ['the id', { id: 'a' }, /^"id" cannot be changed here: a guest keeps its id/],
  ['what the agent sets', { pending: { memory: 1 } }, /^"pending" cannot be changed here: the agent sets it/],
  ['metadata', { metadata: { a: 'b' } }, /change its keys at \/guests\/\{guestID\}\/metadata/],
  [
    'an unknown key',
    { colour: 'red' },
    /^"colour" is not a key of a guest that can be changed: choose from name, /,
  ],
  ['a size that is none', { memory: 0 }, /^"memory" must be at least 1 MB, got 0/],
  ['text for a number', { cpu: '2' }, /^"cpu" must be a number, got "2"/],
  ['a tag with a space', { tags: ['a b'] }, /"tags\[0\]" must consist of letters/],
  ['a tag twice', { tags: ['a', 'a'] }, /repeats a tag/],
  ['a name with a line break', { name: 'a\nb' }, /"name" must have no control characters/],
  [
    'memory beyond maxMemory',
    { maxMemory: 256 },
    /"maxMemory" must be at least the memory of 512 MB, got 256/,
  ],
  ['vCPUs beyond maxCpu', { cpu: 4, maxCpu: 2 }, /"maxCpu" must be at least the 4 vCPUs of the guest, got 2/],
  [
    'the machine type',
    { machine: { type: 'pc-q35-9.2', firmware: 'uefi' } },
    /^"machine\.type" cannot be changed here: upgrade the machine .* at \/guests\/\{guestID\}\/upgrade-machine/,
  ],
  ['the sockets', { machine: { sockets: 2 } }, /^"machine\.sockets" cannot be changed here: it is fixed/],
  ['an unknown key of the machine', { machine: { bios: 1 } }, /^"machine\.bios" .*: choose from firmware, /],
  ['an unknown device', { devices: { sound: true } }, /^"devices\.sound" .*: choose from tablet, /],
  ['an unknown firmware', { machine: { firmware: 'efi' } }, /"machine\.firmware" must be one of bios, uefi/],
  ['text for a switch', { machine: { tpm: 'on' } }, /"machine\.tpm" must be true or false, got "on"/],
  ['no machine', { machine: null }, /"machine" must be an object, got null/],
  [
    'Secure Boot with a BIOS',
    { machine: { secureBoot: true } },
    /^"machine\.secureBoot" needs "machine\.firmware": "uefi": set both/,
  ],
  ['no object', [], /must be an object/],
  ['nothing', null, /must be an object/],
] as const)
  test(`rejects ${what} with 400`, async (t) => {
    const { call, context, scripted } = await serveApi(t);
    const { id } = await addGuest(context, { memory: 512 });
    const { status, body } = await call('PATCH', `/guests/${id}`, change);
    t.is(status, 400);
    t.regex(messageOf(body), message);
    t.deepEqual(scripted.calls, []);
  });

test('sends changes of the hardware to the sub-agent, and stores what the guest has and what waits', async (t) => {
  const machine = { type: 'pc-q35-7.2', layout: 2, firmware: 'bios', sockets: 1, threads: 1 } as const;
  const pending = { machine: { firmware: 'uefi' }, devices: { watchdog: 'reset' } } as const;
  const { call, context, scripted } = await serveApi(t, {
    actions: { update: [{ method: 'Test.update', check: 'Test.checkUpdate' }] },
    methods: {
      'Test.update': ({ guest: { id } }) => ({ guest: { id, machine, pending }, message: 'later' }),
      'Test.checkUpdate': ({ guest: { id } }) => ({ guest: { id, machine, pending } }),
    },
  });
  const { id } = await addGuest(context, { machine });
  const change = { machine: { firmware: 'uefi' }, devices: { watchdog: 'reset', video: null } };
  const checked = await call('PATCH', `/guests/${id}?dryRun=true`, change);
  t.like(checked.body, { machine: { firmware: 'bios' }, pending });
  t.is(context.guests.get(id).pending, undefined);
  const reply = await call('PATCH', `/guests/${id}?wait=30`, change);
  t.is(reply.status, 200, messageOf(reply.body));
  t.deepEqual(scripted.requests('Test.update')[0]?.change, change);
  t.like(context.guests.get(id), { machine: { firmware: 'bios' }, pending });
  // UEFI waits, so that Secure Boot has what it needs, and must not lose it.
  t.is((await call('PATCH', `/guests/${id}?wait=30`, { machine: { secureBoot: true } })).status, 200);
  await context.guests.update(id, (guest) => ({
    ...guest,
    pending: { machine: { firmware: 'uefi', secureBoot: true } },
  }));
  const refused = await call('PATCH', `/guests/${id}`, { machine: { firmware: 'bios' } });
  t.is(refused.status, 400);
  t.regex(messageOf(refused.body), /or set "machine\.secureBoot" to false/);
});

test('rejects hardware for a container with 400', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { type: 'container' });
  const { status, body } = await call('PATCH', `/guests/${id}`, { machine: { tpm: true } });
  t.is(status, 400);
  t.regex(messageOf(body), /is a container, which has no machine: leave it out/);
});

test('rejects a size that a container cannot grow to with 400', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { type: 'container' });
  const { status, body } = await call('PATCH', `/guests/${id}`, { maxMemory: 64, tags: ['a'] });
  t.is(status, 400);
  t.regex(messageOf(body), /is a container, which has no maxMemory: /);
});

test('rejects a name that another guest has, before and during the job', async (t) => {
  let release = (): void => undefined;
  const started = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { call, context } = await serveApi(t, {
    methods: { 'Test.start': ({ guest }) => started.then(() => ({ guest })) },
  });
  const [one, two] = [await addGuest(context, { metadata: { name: 'web' } }), await addGuest(context)];
  t.is((await call('PATCH', `/guests/${two.id}`, { name: 'web' })).status, 409);
  t.is((await call('PATCH', `/guests/${two.id}?dryRun=true`, { name: 'web' })).status, 409);
  await call('POST', `/guests/${two.id}/start`);
  await until('the start runs', () => context.runtime.load().running === 1);
  const { jobId } = await call('PATCH', `/guests/${two.id}`, { name: 'db' });
  t.is((await call('PATCH', `/guests/${one.id}?wait=30`, { name: 'db' })).status, 200);
  release();
  t.regex((await finished(context, jobId)).Message, /has the name "db"/);
});

test('lets guests grow within the quota only, two at once as well, and lets them shrink beyond it', async (t) => {
  const { call, context } = await serveApi(t, {
    quota: { memory: 1000 },
    methods: {
      'Test.update': ({ guest: { id, memory }, change }) => ({
        guest: { id, memory, pending: change ?? {} },
      }),
    },
  });
  const [one, two] = [await addGuest(context, { memory: 400 }), await addGuest(context, { memory: 400 })];
  for (const query of ['', '?dryRun=true']) {
    const { status, body } = await call('PATCH', `/guests/${one.id}${query}`, { memory: 601 });
    t.is(status, 409);
    t.regex(
      messageOf(body),
      /needs 601 MB of memory, but the quota of this host is 1000 MB .* have 400: .*quota\.memory/,
    );
  }
  const replies = await Promise.all(
    [one, two].map(({ id }) => call('PATCH', `/guests/${id}?wait=30`, { memory: 600 })),
  );
  t.deepEqual(replies.map(({ status }) => status).sort(), [200, 409]);
  const grown = replies[0]?.status === 200 ? one : two;
  const other = grown === one ? two : one;
  // What waits for the next start counts already.
  t.is((await call('PATCH', `/guests/${other.id}?wait=30`, { memory: 401 })).status, 409);
  await context.guests.update(grown.id, (guest) => ({ ...guest, memory: 5000 }));
  t.is((await call('PATCH', `/guests/${grown.id}?wait=30`, { memory: 700 })).status, 200);
});

test('checks a change in a dry run, and stores nothing', async (t) => {
  const { call, context } = await serveApi(t, {
    actions: { update: [{ check: 'Test.checkUpdate' }] },
    methods: { 'Test.checkUpdate': ({ guest: { id } }) => ({ guest: { id, pending: { memory: 256 } } }) },
  });
  const { id } = await addGuest(context, { memory: 512 });
  const { body } = await call('PATCH', `/guests/${id}?dryRun=true`, { memory: 256, description: 'x' });
  t.like(body, { memory: 512, pending: { memory: 256 }, description: 'x' });
  t.deepEqual(Object.keys(context.guests.get(id)).sort(), ['id', 'memory', 'state']);
});

test('changes a guest only as the client has seen it, and once per idempotency key', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context);
  const { headers } = await call('GET', `/guests/${id}`);
  const condition = { 'If-Match': headers.get('etag') ?? '' };
  t.is((await call('PATCH', `/guests/${id}?wait=30`, { tags: ['a'] }, condition)).status, 200);
  t.is((await call('PATCH', `/guests/${id}?wait=30`, { tags: ['b'] }, condition)).status, 412);
  const key = { 'Idempotency-Key': 'patch-1' };
  const first = await call('PATCH', `/guests/${id}?wait=30`, { tags: ['c'] }, key);
  const again = await call('PATCH', `/guests/${id}?wait=30`, { tags: ['c'] }, key);
  t.is(again.jobId, first.jobId);
});

test('responds with 404 to a change that the config does not have, and of a guest that does not exist', async (t) => {
  const { call, context } = await serveApi(t, { actions: { update: undefined } });
  const { id } = await addGuest(context);
  t.like(await call('PATCH', `/guests/${id}`, { tags: ['a'] }), {
    status: 404,
    body: { message: 'update: Not configured' },
  });
  t.is((await call('PATCH', `/guests/00000000-0000-4000-8000-000000000000`, { tags: ['a'] })).status, 404);
});

test('creates a guest with description, tags and room to grow', async (t) => {
  const { call } = await serveApi(t);
  const spec = { memory: 64, maxMemory: 128, cpu: 1, maxCpu: 2, description: 'x\ny', tags: ['a'] };
  const { body } = await call('POST', '/guests', { ...spec, pending: { memory: 1 } });
  t.like(body, spec);
  t.false('pending' in (body as Guest));
  const refused = await call('POST', '/guests', { memory: 64, maxMemory: 32 });
  t.is(refused.status, 400, messageOf(refused.body));
  const container = await call('POST', '/guests', { type: 'container', image: 'a', maxCpu: 2 });
  t.is(container.status, 400);
  t.regex(messageOf(container.body), /a container .*maxCpu/);
});
