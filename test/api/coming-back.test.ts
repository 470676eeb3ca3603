import test from 'ava';
import type { Guest } from '../../lib/model/guest.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { mistify } from '../helpers/command-line.js';

const POLICIES = {
  autostart: { policy: 'last', order: 10, delay: 2.5, shutdownTimeout: 120 },
  restart: { policy: 'on-failure', maxRetries: 3, window: 60 },
} as const;

test('a guest keeps the policies of its creation, and is meant to be on once it runs', async (t) => {
  const { call } = await serveApi(t);
  const { status, body } = await call('POST', '/guests?wait=30', { memory: 64, ...POLICIES });
  t.is(status, 200);
  t.like(body, { ...POLICIES, intent: { power: 'on' } });
});

test('a guest without policies has no new keys', async (t) => {
  const { call } = await serveApi(t);
  const { body } = await call('POST', '/guests?wait=30', { memory: 64 });
  t.deepEqual(Object.keys(body as Guest).sort(), ['id', 'memory', 'state']);
});

test('new guests get the policy of the config, unless they say otherwise', async (t) => {
  const { call } = await serveApi(t, { guests: { autostart: 'last' } });
  const policyOf = async (spec: object) =>
    ((await call('POST', '/guests?wait=30', { memory: 64, ...spec })).body as Guest).autostart;
  t.deepEqual(await policyOf({}), { policy: 'last' });
  t.deepEqual(await policyOf({ type: 'container' }), { policy: 'last' });
  t.deepEqual(await policyOf({ autostart: { policy: 'never' } }), { policy: 'never' });
});

test('rejects malformed policies with 400, and ignores what the agent sets', async (t) => {
  const { call, context } = await serveApi(t);
  for (const [spec, message] of [
    [{ autostart: { policy: 'sometimes' } }, /"autostart\.policy" must be one of/],
    [{ autostart: {} }, /"autostart\.policy" is required/],
    [{ autostart: { policy: 'last', order: -1 } }, /"autostart\.order" must be at least 0, got -1/],
    [{ autostart: { policy: 'last', delay: 4000 } }, /"autostart\.delay" must be at most 3600, got 4000/],
    [{ restart: { policy: 'sometimes' } }, /"restart\.policy" must be one of/],
    [{ restart: { policy: 'on-failure', maxRetries: 0 } }, /"restart\.maxRetries" must be at least 1, got 0/],
  ] as const) {
    const { status, body } = await call('POST', '/guests', spec);
    t.is(status, 400);
    t.regex((body as { message: string }).message, message);
  }
  t.deepEqual(context.guests.list(), []);
  const { headers, body } = await call('POST', '/guests?wait=30', {
    memory: 64,
    intent: { power: 'on', pending: true },
    restarts: { times: [] },
  });
  t.is(headers.get('x-ignored-keys'), 'intent, restarts');
  t.is((body as Guest).intent, undefined);
});

test('PATCH sets and removes policies, and the intent follows', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context);
  await call('PATCH', `/guests/${id}?wait=30`, POLICIES);
  t.like(context.guests.get(id), { ...POLICIES, intent: { power: 'on' } });
  await call('PATCH', `/guests/${id}?wait=30`, { autostart: null, restart: null });
  const { autostart, restart, intent } = context.guests.get(id);
  t.deepEqual([autostart, restart, intent], [undefined, undefined, undefined]);
});

test('PATCH keeps the keys of a policy that it does not name, and null removes one', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, POLICIES);
  const change = { autostart: { policy: 'always', delay: null, hostDown: 'save' }, restart: { window: 90 } };
  t.is((await call('PATCH', `/guests/${id}?wait=30`, change)).status, 200);
  const expected = {
    autostart: { policy: 'always', order: 10, shutdownTimeout: 120, hostDown: 'save' },
    restart: { policy: 'on-failure', maxRetries: 3, window: 90 },
  } as const;
  const { autostart, restart } = context.guests.get(id);
  t.deepEqual({ autostart, restart }, expected);
  const { body } = await call('PATCH', `/guests/${id}?dryRun=true`, { autostart: { order: null } });
  t.false('order' in ((body as Guest).autostart ?? {}));
  t.is(context.guests.get(id).autostart?.order, 10);
});

test('PATCH rejects policies that would be incomplete after it with 400', async (t) => {
  const { call, context } = await serveApi(t);
  const bare = await addGuest(context);
  const { id } = await addGuest(context, POLICIES);
  for (const [guest, change, message] of [
    [bare.id, { autostart: { delay: 3 } }, /^"autostart\.policy" is required: add it, or set/],
    [id, { restart: { policy: null } }, /^"restart\.policy" is required/],
    [id, { autostart: { oder: 3 } }, /^"autostart\.oder" .*: choose from policy, order, /],
    [id, { autostart: { delay: 4000 } }, /"autostart\.delay" must be at most 3600, got 4000/],
  ] as const) {
    const { status, body } = await call('PATCH', `/guests/${guest}`, change);
    t.is(status, 400);
    t.regex((body as { message: string }).message, message);
  }
  t.like(context.guests.get(id), POLICIES);
});

test('the command line creates a guest with policies, and shuts all guests down', async (t) => {
  const { url, context } = await serveApi(t);
  const create = ['guest', 'create', '--image', 'debian-12', '--name', 'db', '--wait'];
  await mistify(t, url, ...create, '--autostart', 'last,order=10', '--restart', 'on-failure,retries=3');
  t.like(context.guests.list(), [
    { autostart: { policy: 'last', order: 10 }, restart: { policy: 'on-failure', maxRetries: 3 } },
  ]);
  t.regex((await mistify(t, url, 'host', 'show')).stderr, /guests run as their clients want/);
  const down = await mistify(t, url, 'host', 'down', '--within', '5', '--force');
  t.regex(
    down.stderr,
    /the guests are off because the host goes down; none starts .* until the next boot or mistify host up/,
  );
  t.is(context.guests.list()[0]?.state, 'shutoff');
  t.regex((await mistify(t, url, 'job', 'list')).stdout, /shutdown +host-down/);
  await mistify(t, url, 'host', 'up');
  t.is(context.host.status().phase === 'down', false);
});

test('the command line fails when guests are still on', async (t) => {
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.shutdown': () => {
        throw new Error('it does not react');
      },
    },
  });
  const { id } = await addGuest(context, { metadata: { name: 'web' } });
  const { exitCode, stdout, stderr } = await mistify(t, url, 'host', 'down', '--within', '1');
  t.is(exitCode, 1);
  t.regex(stdout, new RegExp(`${id} +web +running +.*it does not react`));
  t.regex(stderr, /these guests are still on; none starts by itself/);
});
