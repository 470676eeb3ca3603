import test from 'ava';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { changesSomething, hasDryRun } from '../../lib/server/route.js';
import { routeTable } from '../../routes/table.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { exampleOf, pathOf } from '../helpers/endpoints.js';

// Guarantees: G7.

const changes = routeTable.filter(changesSomething);

for (const route of changes.filter(hasDryRun))
  test(`a dry run of ${route.method} ${route.path} responds with 200 and changes nothing`, async (t) => {
    const { call, context } = await serveApi(t);
    const example = await exampleOf(route, context);
    const before = [context.guests.list(), context.jobs.list(), context.metadata.all()];
    const path = pathOf(route, { ...example, query: { ...example.query, dryRun: true } });
    const response = await call(route.method, path, route.method === 'GET' ? undefined : example.payload);
    t.is(response.status, 200, response.text);
    t.is(response.jobId, null);
    t.is(route.reply.schema?.validate(response.body, { convert: false }).error, undefined);
    t.deepEqual([context.guests.list(), context.jobs.list(), context.metadata.all()], before);
  });

for (const route of changes.filter((change) => !hasDryRun(change)))
  test(`a dry run of ${route.method} ${route.path} is rejected with 400, because it has none`, async (t) => {
    const { call, context, scripted } = await serveApi(t);
    const example = await exampleOf(route, context);
    const path = pathOf(route, { ...example, query: { ...example.query, dryRun: true } });
    const response = await call(route.method, path, example.payload);
    t.is(response.status, 400, response.text);
    t.regex(response.text, /has no dry run/);
    t.deepEqual(scripted.calls, []);
  });

test('a dry run of a create responds with the guest as it would be', async (t) => {
  const { call } = await serveApi(t);
  const { body } = await call('POST', '/guests?dryRun=true', { memory: 64, cpu: 1 });
  t.like(body, { state: 'create', memory: 64, cpu: 1 });
});

test('rejects a dry run with the error of the real request', async (t) => {
  const { call, context } = await serveApi(t, { actions: { suspend: undefined } });
  const { id } = await addGuest(context);
  const refused: [string, string, unknown, number][] = [
    ['POST', '/guests', { id }, 409],
    ['POST', '/guests', { memory: -1 }, 400],
    ['POST', '/guests', { memroy: 64 }, 400],
    ['POST', `/guests/${id}/suspend`, undefined, 404],
    ['POST', `/guests/${id}/snapshots/monday/rollback`, {}, 409],
    ['PATCH', '/metadata', { big: 'x'.repeat(300_000) }, 400],
    ['DELETE', '/jobs/6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80', undefined, 404],
  ];
  for (const [method, path, body, status] of refused)
    t.is((await call(method, `${path}?dryRun=true`, body)).status, status, `${method} ${path}`);
});

test('leaves the idempotency key of a dry run unused', async (t) => {
  const { call } = await serveApi(t);
  const key = { 'Idempotency-Key': 'k' };
  t.is((await call('POST', '/guests?dryRun=true', { memory: 64 }, key)).status, 200);
  t.is((await call('POST', '/guests', { memory: 65 }, key)).status, 202);
});

const CHECKED_CREATE = [
  { method: 'Test.create', check: 'Test.check' },
  { method: 'Test.start', check: 'Test.checkStart' },
];

test('calls the checks of the stages in order, each with the guest as the one before returned it', async (t) => {
  const { call, scripted, context } = await serveApi(t, {
    actions: { create: CHECKED_CREATE },
    methods: {
      'Test.check': ({ guest }) => ({ guest: { ...guest, cpu: 7 } }),
      'Test.checkStart': ({ guest }) => ({ guest }),
    },
  });
  const { status, headers } = await call('POST', '/guests?dryRun=true', { memory: 64 });
  t.is(status, 200);
  t.false(headers.has('x-unchecked-stages'));
  t.deepEqual(
    scripted.calls.map(({ method, request }) => [method, request.guest.memory, request.guest.cpu]),
    [
      ['Test.check', 64, undefined],
      ['Test.checkStart', 64, 7],
    ],
  );
  t.deepEqual(context.guests.list(), []);
});

for (const [failure, status] of [
  [new Refusal('invalid', 'unknown bus "floppy"'), 400],
  [new Refusal('not_found', 'no bridge "br7"'), 404],
  [new Refusal('conflict', 'in use'), 409],
  [new Error('out of order'), 502],
] as const)
  test(`responds to a dry run with ${status} when a sub-agent finds: ${failure.message}`, async (t) => {
    const { call, context, scripted } = await serveApi(t, {
      actions: { create: CHECKED_CREATE },
      methods: {
        'Test.check': () => {
          throw failure;
        },
      },
    });
    const { status: actual, body } = await call('POST', '/guests?dryRun=true', { memory: 64 });
    t.is(actual, status);
    t.true((body as { message: string }).message.endsWith(failure.message));
    t.deepEqual(context.guests.list(), []);
    t.deepEqual(scripted.requests('Test.checkStart'), []);
  });

test('names the stages that have no check, or whose sub-agent does not know it', async (t) => {
  const { call, scripted, context } = await serveApi(t, {
    actions: { create: [{ check: 'Test.unknown' }, { method: 'Test.start' }] },
  });
  const created = await call('POST', '/guests?dryRun=true', { memory: 64 });
  t.is(created.status, 200);
  t.is(created.headers.get('x-unchecked-stages'), 'test Test.create, test Test.start');
  const { id } = await addGuest(context);
  const suspended = await call('POST', `/guests/${id}/suspend?dryRun=true`);
  t.is(suspended.headers.get('x-unchecked-stages'), 'test Test.suspend');
  t.deepEqual(scripted.calls, []);
});

test('names a stage whose check leaves something open, and what', async (t) => {
  const { call } = await serveApi(t, {
    actions: { create: [{ check: 'Test.check' }] },
    methods: { 'Test.check': ({ guest }) => ({ guest, message: 'pulls "ü, x"\r\nX: 1' }) },
  });
  const { headers } = await call('POST', '/guests?dryRun=true', { memory: 64 });
  t.is(headers.get('x-unchecked-stages'), 'test Test.create: pulls "?; x"??X: 1');
});

test('checks images and snapshots, too', async (t) => {
  const { call, context } = await serveApi(t, {
    actions: {
      fetchImage: [{ check: 'Test.checkImage' }],
      createSnapshot: [{ check: 'Test.checkSnapshot' }],
    },
    methods: {
      'Test.checkImage': ({ source }) => {
        throw new Refusal('not_found', `no file ${source}`);
      },
      'Test.checkSnapshot': ({ dest }) => {
        throw new Refusal('conflict', `${dest} already exists`);
      },
    },
  });
  const { id } = await addGuest(context);
  const image = await call('POST', '/images?dryRun=true', { id: 'a', source: 'file:///srv/a' });
  t.is(image.status, 404);
  const snapshot = await call('POST', `/guests/${id}/snapshots?dryRun=true`, { dest: 'monday' });
  t.is(snapshot.status, 409);
});

test('does not call a check for a real request', async (t) => {
  const { call, scripted } = await serveApi(t, {
    actions: { create: CHECKED_CREATE },
    methods: { 'Test.start': ({ guest }) => ({ guest }) },
  });
  t.is((await call('POST', '/guests?wait=30', { memory: 64 })).status, 200);
  t.deepEqual(
    scripted.calls.map(({ method }) => method),
    ['Test.create', 'Test.start'],
  );
});
