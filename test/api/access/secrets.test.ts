import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { MistifyClient } from '../../../lib/client/index.js';
import type { Guest } from '../../../lib/model/guest.js';
import type { Job } from '../../../lib/model/job.js';
import type { Scope } from '../../../lib/model/rights.js';
import type { GuestRequest } from '../../../lib/rpc/protocol/guest-messages.js';
import { Refusal } from '../../../lib/rpc/protocol/refusal.js';
import { addGuest } from '../../helpers/agent.js';
import { type Api, serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';
import { makeToken, serveGuarded } from '../../helpers/guarded.js';
import { gate, until } from '../../helpers/wait.js';
import { receiveWebhooks } from '../../helpers/webhook-receiver.js';

// Guarantees: G31.

const SECRETS = {
  'user-data': '#cloud-config\npassword: hunter2\n',
  'vendor-data': '#!/bin/sh\necho hunter2\n',
  'env.DB_PASSWORD': 'hunter2',
  'secret.key, of “ours”': 'hunter2',
};
const OPEN = { hostname: 'web-1', owner: 'ops', environment: 'test' };
const HIDDEN = Object.keys(SECRETS).map((key) => `metadata.${key}`);

interface Guarded {
  api: Api;
  dbpath: string;
  guest: Guest;
  as: (scope: Scope) => Record<string, string>;
}

/** Serves a guest with secrets to tokens of each scope. */
const serveSecrets = async (t: ExecutionContext): Promise<Guarded> => {
  const { api, dbpath } = await serveGuarded(t);
  const guest = await addGuest(api.context, { state: 'shutoff', metadata: { ...OPEN, ...SECRETS } });
  const tokens = new Map<Scope, string>();
  for (const scope of ['read', 'export', 'operate', 'admin'] as const)
    tokens.set(scope, await makeToken(dbpath, scope, scope));
  return { api, dbpath, guest, as: (scope) => ({ Authorization: `Bearer ${tokens.get(scope)}` }) };
};

for (const path of ['snapshots/monday/download', 'disks/vda/snapshots/monday/download'])
  test(`serves ${path} to tokens of scope export and wider, and audits it`, async (t) => {
    const { api, dbpath, guest, as } = await serveSecrets(t);
    const url = `/guests/${guest.id}/${path}`;
    for (const method of ['GET', 'HEAD'])
      t.is((await api.call(method, url, undefined, as('read'))).status, 403, method);
    const refused = await api.call('GET', url, undefined, as('read'));
    t.regex((refused.body as { message: string }).message, /right "content"/);
    for (const scope of ['export', 'operate', 'admin'] as const)
      t.is((await api.call('GET', url, undefined, as(scope))).status, 200, scope);
    await until('the download is in the audit log', async () =>
      /"principal":"export".*download.*"status":200/.test(await readFile(join(dbpath, 'audit.log'), 'utf8')),
    );
  });

test('permits no changes with the scope export', async (t) => {
  const { api, guest, as } = await serveSecrets(t);
  t.is((await api.call('POST', `/guests/${guest.id}/start`, undefined, as('export'))).status, 403);
  t.is((await api.call('PATCH', `/guests/${guest.id}/metadata`, {}, as('export'))).status, 403);
});

test('hides secret metadata of a guest and of a list from a read token, and names what it hides', async (t) => {
  const { api, guest, as } = await serveSecrets(t);
  const one = await api.call('GET', `/guests/${guest.id}`, undefined, as('read'));
  t.deepEqual(one.body, { ...guest, metadata: OPEN, hidden: HIDDEN });
  const list = await api.call('GET', '/guests', undefined, as('read'));
  t.deepEqual(list.body, [{ ...guest, metadata: OPEN, hidden: HIDDEN }]);
  const selected = await api.call('GET', '/guests?fields=metadata', undefined, as('read'));
  t.deepEqual(selected.body, [{ metadata: OPEN, hidden: HIDDEN }]);
  const metadata = await api.call('GET', `/guests/${guest.id}/metadata`, undefined, as('read'));
  t.deepEqual(metadata.body, OPEN);
  for (const { text: sent } of [one, list, selected, metadata]) t.notRegex(sent, /hunter2/);
});

for (const scope of ['export', 'operate', 'admin'] as const)
  test(`shows secret metadata to a token of scope ${scope}`, async (t) => {
    const { api, guest, as } = await serveSecrets(t);
    t.deepEqual((await api.call('GET', `/guests/${guest.id}`, undefined, as(scope))).body, guest);
    t.deepEqual((await api.call('GET', '/guests', undefined, as(scope))).body, [guest]);
    const metadata = await api.call('GET', `/guests/${guest.id}/metadata`, undefined, as(scope));
    t.deepEqual(metadata.body, guest.metadata);
    t.is(metadata.headers.get('x-hidden-keys'), null);
  });

test('tells the client the names of hidden metadata, whatever characters they have', async (t) => {
  const { api, guest, as } = await serveSecrets(t);
  const token = as('read').Authorization?.slice('Bearer '.length) ?? '';
  const client = new MistifyClient({ url: api.url, token });
  const { body, hidden } = await client.metadataOf(guest.id).getTagged();
  t.deepEqual(body, OPEN);
  t.deepEqual(hidden, Object.keys(SECRETS));
});

test('mistify metadata show names the keys that it cannot show', async (t) => {
  const { api, guest, as } = await serveSecrets(t);
  const token = as('read').Authorization?.slice('Bearer '.length) ?? '';
  const show = ['metadata', 'show', '--guest', guest.id, '--token', token];
  const { exitCode, stdout, stderr } = await mistify(t, api.url, ...show);
  t.is(exitCode, 0, stderr);
  t.regex(stdout, /^hostname +web-1$/m);
  t.regex(stderr, /right "content": user-data, vendor-data, env\.DB_PASSWORD/);
});

test("hides secrets in the hypervisor's own metadata", async (t) => {
  const { api, as } = await serveSecrets(t);
  await api.call('PATCH', '/metadata', { rack: 'r1', 'secret.ipmi': 'hunter2' }, as('operate'));
  const seen = await api.call('GET', '/metadata', undefined, as('read'));
  t.deepEqual(seen.body, { rack: 'r1' });
  t.is(seen.headers.get('x-hidden-keys'), 'secret.ipmi');
  t.like((await api.call('GET', '/metadata', undefined, as('export'))).body, { 'secret.ipmi': 'hunter2' });
});

test('drops no secret when a client writes back what it read with a read token', async (t) => {
  const { api, guest, as } = await serveSecrets(t);
  const path = `/guests/${guest.id}/metadata`;
  const { body, headers } = await api.call('GET', path, undefined, as('read'));
  const changed = { ...(body as object), owner: 'dev' };
  const conditional = await api.call('PATCH', path, changed, {
    ...as('operate'),
    'If-Match': headers.get('etag') ?? '',
  });
  t.is(conditional.status, 412);
  t.is((await api.call('PATCH', path, changed, as('operate'))).status, 200);
  t.deepEqual(api.context.guests.get(guest.id).metadata, { ...OPEN, ...SECRETS, owner: 'dev' });
});

test('rejects a new guest copied from one that was read without its secrets', async (t) => {
  const { api, guest, as } = await serveSecrets(t);
  const { body } = await api.call('GET', `/guests/${guest.id}`, undefined, as('read'));
  const { id: _, ...copy } = body as Guest;
  const refused = await api.call('POST', '/guests', copy, as('operate'));
  t.is(refused.status, 400);
  t.regex((refused.body as { message: string }).message, /"hidden".*metadata\.user-data.*right "content"/);
  t.is((await api.call('POST', '/guests', { ...copy, hidden: [] }, as('operate'))).status, 202);
});

const eventsOf = async ({ url }: Api, headers: Record<string, string>): Promise<string> => {
  const response = await fetch(`${url}/events?after=0&kind=guest&limit=1`, { headers });
  return text(response.body as never);
};

test('hides secrets in events from a read token', async (t) => {
  const { api, as } = await serveSecrets(t);
  const seen = await eventsOf(api, as('read'));
  t.notRegex(seen, /hunter2/);
  t.regex(seen, /"hidden":\["metadata\.user-data"/);
  t.regex(await eventsOf(api, as('export')), /hunter2/);
});

test('hides secrets in events from webhooks', async (t) => {
  const receiver = await receiveWebhooks(t);
  const webhooks = [{ url: receiver.url, secret: 'sixteen-characters-and-more', kinds: ['guest' as const] }];
  const { context } = await serveApi(t, { events: { webhooks } });
  await addGuest(context, { metadata: { ...OPEN, ...SECRETS } });
  await until('the event is posted', () => receiver.posted.length > 0);
  t.like(receiver.posted[0]?.body, { guest: { metadata: OPEN, hidden: HIDDEN } });
  t.notRegex(JSON.stringify(receiver.posted), /hunter2/);
});

test('shows secret metadata to a local client, which needs no credentials', async (t) => {
  const { call, context } = await serveApi(t);
  const guest = await addGuest(context, { metadata: { ...OPEN, ...SECRETS } });
  t.deepEqual((await call('GET', `/guests/${guest.id}`)).body, guest);
});

const SEALED = {
  'sealed-keys': 'user-data, db-password',
  'user-data': '#cloud-config hunter2',
  'db-password': 'hunter2',
};
const SEALED_HIDDEN = ['metadata.user-data', 'metadata.db-password'];

test('shows a sealed key to no client: not in a guest, a list, metadata, an action, a dry run or an event', async (t) => {
  const { api, as } = await serveSecrets(t);
  const guest = await addGuest(api.context, { state: 'shutoff', metadata: { ...OPEN, ...SEALED } });
  const path = `/guests/${guest.id}`;
  for (const scope of ['read', 'export', 'operate', 'admin'] as const) {
    const shown = (await api.call('GET', path, undefined, as(scope))).body as Guest;
    t.deepEqual(shown.hidden, SEALED_HIDDEN, scope);
    t.deepEqual(shown.metadata, { ...OPEN, 'sealed-keys': SEALED['sealed-keys'] });
    const seen = [
      await api.call('GET', path, undefined, as(scope)),
      await api.call('GET', `${path}/metadata`, undefined, as(scope)),
      await api.call('GET', `${path}/jobs`, undefined, as(scope)),
    ];
    for (const { text: sent } of seen) t.notRegex(sent, /hunter2/, scope);
    const events = await fetch(`${api.url}/events?after=0&guest=${guest.id}&limit=1`, { headers: as(scope) });
    t.notRegex(await events.text(), /hunter2/, scope);
  }
  const replies = [
    await api.call('POST', `${path}/start?dryRun=true`, undefined, as('admin')),
    await api.call('POST', `${path}/start?wait=30`, undefined, as('admin')),
    await api.call('POST', `${path}/upgrade-machine`, undefined, as('admin')),
    await api.call('POST', `${path}/upgrade-machine?dryRun=true`, undefined, as('admin')),
    await api.call('POST', `${path}/upgrade-machine?wait=30`, undefined, as('admin')),
    await api.call('PATCH', `${path}/metadata?dryRun=true`, { a: '1' }, as('admin')),
    await api.call('PATCH', `${path}/metadata`, { a: '1' }, as('admin')),
    await api.call('POST', '/guests?dryRun=true', { metadata: SEALED }, as('admin')),
    await api.call('POST', '/guests', { metadata: SEALED }, as('admin')),
  ];
  for (const { status, text: sent } of replies) {
    t.true(status < 300, sent);
    t.notRegex(sent, /hunter2/);
  }
});

test('hides a key that is sealed now in the events from before, in streams and after a resume', async (t) => {
  const { api, as } = await serveSecrets(t);
  const { id } = await addGuest(api.context, {
    metadata: { ...OPEN, 'db-password': 'hunter2', note: 'kept' },
  });
  const read = async (headers: Record<string, string>) =>
    (await fetch(`${api.url}/events?after=0&guest=${id}&limit=2`, { headers })).text();
  const seal = { 'sealed-keys': 'db-password' };
  t.is((await api.call('PATCH', `/guests/${id}/metadata`, seal, as('operate'))).status, 200);
  for (const scope of ['read', 'export', 'admin'] as const)
    for (const resume of [{}, { 'Last-Event-ID': '1' }]) {
      const seen = await read({ ...as(scope), ...resume });
      t.notRegex(seen, /hunter2/, scope);
      t.is(seen.match(/"note":"kept"/g)?.length, 2);
      t.is(seen.match(/"hidden":\["metadata\.db-password"\]/g)?.length, 2);
    }
});

test('hides what was sealed before in the events of a guest that is deleted', async (t) => {
  const { api, as } = await serveSecrets(t);
  const { id } = await addGuest(api.context, { metadata: { ...OPEN, ...SEALED } });
  await api.context.guests.remove(id);
  const events = await fetch(`${api.url}/events?after=0&guest=${id}&limit=2`, { headers: as('admin') });
  const seen = await events.text();
  t.regex(seen, /"change":"deleted"/);
  t.notRegex(seen, /hunter2/);
});

test('hides a key that is sealed between two attempts from a webhook', async (t) => {
  const receiver = await receiveWebhooks(t, ({ text: sent }) => (sent.includes('hunter2') ? 503 : 204));
  const webhooks = [{ url: receiver.url, secret: 'sixteen-characters-and-more', kinds: ['guest' as const] }];
  const { call, context } = await serveApi(t, { events: { webhooks } });
  const { id } = await addGuest(context, { metadata: { ...OPEN, 'db-password': 'hunter2' } });
  await until('the event is rejected', () => receiver.posted.length > 0);
  await call('PATCH', `/guests/${id}/metadata`, { 'sealed-keys': 'db-password' });
  await until('both events are accepted', () => receiver.taken.length === 2);
  t.like(receiver.posted.at(-1)?.body, { change: 'changed', id });
});

test('gives sealed keys to the sub-agent that runs the guest', async (t) => {
  const { api, as } = await serveSecrets(t);
  const { body } = await api.call('POST', '/guests?wait=30', { metadata: SEALED }, as('operate'));
  const { id } = body as Guest;
  t.like(api.context.guests.get(id).metadata, SEALED);
  t.true(api.scripted.requests('Test.create').some((request) => JSON.stringify(request).includes('hunter2')));
});

test('lets a key leave the sealed ones only with its value', async (t) => {
  const { api, as } = await serveSecrets(t);
  const guest = await addGuest(api.context, { state: 'shutoff', metadata: { ...OPEN, ...SEALED } });
  const path = `/guests/${guest.id}/metadata`;
  for (const patch of [
    { 'sealed-keys': null },
    { 'sealed-keys': 'user-data' },
    { 'sealed-keys': 'db-password-2 user-data' },
  ]) {
    const { status, text: sent } = await api.call('PATCH', path, patch, as('admin'));
    t.is(status, 400, sent);
    t.notRegex(sent, /hunter2/);
    t.regex(sent, /sealed-keys.*db-password/);
  }
  const changed = { 'sealed-keys': 'user-data', 'db-password': 'new and open' };
  t.like((await api.call('PATCH', path, changed, as('admin'))).body, { 'db-password': 'new and open' });
  const removed = { 'sealed-keys': null, 'user-data': null };
  t.is((await api.call('PATCH', path, removed, as('admin'))).status, 200);
});

test('lets a client that reads a sealed guest change it on condition', async (t) => {
  const { api, as } = await serveSecrets(t);
  const guest = await addGuest(api.context, { state: 'shutoff', metadata: { ...OPEN, ...SEALED } });
  const path = `/guests/${guest.id}/metadata`;
  const { headers } = await api.call('GET', path, undefined, as('operate'));
  const condition = { ...as('operate'), 'If-Match': headers.get('etag') ?? '' };
  t.is((await api.call('PATCH', path, { owner: 'dev' }, condition)).status, 200);
  t.is((await api.call('PATCH', path, { owner: 'ops' }, condition)).status, 412);
  t.like(api.context.guests.get(guest.id).metadata, { ...SEALED, owner: 'dev' });
});

test('lets a client that reads a sealed guest upgrade its machine on condition', async (t) => {
  const { api, as } = await serveSecrets(t);
  const { id } = await addGuest(api.context, { state: 'shutoff', metadata: { ...OPEN, ...SEALED } });
  const { headers } = await api.call('GET', `/guests/${id}`, undefined, as('operate'));
  const condition = { ...as('operate'), 'If-Match': headers.get('etag') ?? '' };
  t.is((await api.call('POST', `/guests/${id}/upgrade-machine`, undefined, condition)).status, 202);
});

test('keeps secrets that a sub-agent quotes out of jobs, errors and events', async (t) => {
  const quote = 'cannot run: hunter2-hunter2, #!/bin/sh\necho hunter2-hunter2, mode on';
  const { api, dbpath } = await serveGuarded(t, {
    methods: {
      'Test.start': () => {
        throw new Refusal('conflict', quote);
      },
      'Test.suspend': ({ guest }: GuestRequest) => ({ guest: { id: guest.id }, message: quote }),
    },
  });
  const headers = { Authorization: `Bearer ${await makeToken(dbpath, 'ops', 'operate')}` };
  const metadata = {
    'env.KEY': 'hunter2-hunter2',
    'user-data': '#!/bin/sh\necho hunter2-hunter2',
    'env.MODE': 'on',
  };
  const { id } = await addGuest(api.context, { state: 'shutoff', metadata });
  const failed = await api.call('POST', `/guests/${id}/start?wait=30`, undefined, headers);
  t.is(failed.status, 409);
  const noted = await api.call('POST', `/guests/${id}/suspend?wait=30`, undefined, headers);
  t.is(noted.status, 200);
  const jobs = await api.call('GET', `/guests/${id}/jobs`, undefined, headers);
  for (const { text: sent } of [failed, jobs]) {
    t.notRegex(sent, /hunter2/);
    t.regex(sent, /cannot run: \[env\.KEY\], .*mode on/s);
  }
  const events = await fetch(`${api.url}/events?after=0&kind=job&limit=6`, { headers });
  t.notRegex(await events.text(), /hunter2/);
});

test('keeps secrets that a sub-agent quotes out of the progress of jobs', async (t) => {
  const { opened, open } = gate();
  t.teardown(open);
  const { api, dbpath } = await serveGuarded(t, {
    methods: {
      'Test.start': async ({ guest }, { progress }) => {
        progress('waits for hunter2-hunter2', 50);
        await opened;
        return { guest: { id: guest.id } };
      },
    },
  });
  const headers = { Authorization: `Bearer ${await makeToken(dbpath, 'ops', 'operate')}` };
  const { id } = await addGuest(api.context, {
    state: 'shutoff',
    metadata: { 'secret.a': 'hunter2-hunter2' },
  });
  const { jobId } = await api.call('POST', `/guests/${id}/start`, undefined, headers);
  await until('the progress is shown', async () => {
    const { body } = await api.call('GET', `/jobs/${jobId}`, undefined, headers);
    return (body as Job).Message === 'waits for [secret.a]';
  });
  const events = await fetch(`${api.url}/events?after=0&kind=job&limit=3`, { headers });
  t.notRegex(await events.text(), /hunter2/);
});

test('keeps the credentials and the query of an image’s URLs out of jobs', async (t) => {
  const source = 'https://reader:hunter%32-hunter2@mirror.example/a.img?signature=0123456789';
  const sums = 'https://mirror.example/SUMS?token=9876543210';
  const { opened, open } = gate();
  t.teardown(open);
  const { api, dbpath } = await serveGuarded(t, {
    methods: {
      'Test.fetchImage': async (request, { progress }) => {
        progress(`fetching ${request.source} with the password hunter2-hunter2`);
        await opened;
        throw new Refusal('invalid', `${request.source} has not the sums of ${request.sums}`);
      },
    },
  });
  const headers = { Authorization: `Bearer ${await makeToken(dbpath, 'ops', 'operate')}` };
  const { jobId } = await api.call('POST', '/images', { id: 'a', source, sums }, headers);
  const message = async (): Promise<string> =>
    ((await api.call('GET', `/jobs/${jobId}`, undefined, headers)).body as Job).Message;
  await until('the progress is shown', async () => /^fetching/.test(await message()));
  const shown = await message();
  t.notRegex(shown, /hunter|0123456789/);
  t.regex(shown, /^fetching https:.*mirror\.example\/a\.img\?\[source\] with the password \[source\]$/);
  open();
  await until('it has failed', async () => /sums/.test(await message()));
  t.regex(
    await message(),
    /a\.img\?\[source\] has not the sums of https:\/\/mirror\.example\/SUMS\?\[sums\]$/,
  );
  t.notRegex(await message(), /hunter|0123456789|9876543210/);
});
