import test from 'ava';
import type { Guest } from '../../lib/model/guest.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { until } from '../helpers/wait.js';

// Guarantees: G48.

const messageOf = (body: unknown): string => (body as { message: string }).message;

const disk = (size: number) => ({ bus: 'virtio', size });

for (const [what, quota, first, second, status, message] of [
  ['guests', { guests: 1 }, {}, {}, 409, /needs 1 guest, but the quota of this host is 1 guest, .* have 1: /],
  [
    'memory',
    { memory: 1000 },
    { memory: 600 },
    { memory: 401 },
    409,
    /needs 401 MB of memory, .* is 1000 MB/,
  ],
  [
    'default memory',
    { memory: 1000 },
    {},
    {},
    409,
    /needs 512 MB of memory, .* have 512: .*raise quota.memory/,
  ],
  ['vCPUs', { cpu: 3 }, { cpu: 2 }, { cpu: 2 }, 409, /needs 2 vCPUs, .* is 3 vCPUs/],
  [
    'disks',
    { disk: 100 },
    { disks: [disk(60)] },
    { disks: [disk(20), disk(21)] },
    507,
    /41 MB of disks, .* is 100 .*raise quota\.disk in/,
  ],
  [
    'disks',
    { disk_factor: 1.5 },
    { disks: [disk(60)] },
    { disks: [disk(91)] },
    507,
    /91 MB of disks, .* is 150 MB .*raise quota\.disk_factor/,
  ],
] as const)
  test(`rejects a guest beyond ${JSON.stringify(quota)} with ${status}: ${what}`, async (t) => {
    const { call, context } = await serveApi(t, {
      quota,
      methods: { 'Test.storageSpace': () => ({ size: 100, free: 100, used: 0, leftovers: [] }) },
    });
    const created = await call('POST', '/guests', first);
    t.is(created.status, 202, messageOf(created.body));
    t.is((await finished(context, created.jobId)).Status, 'Complete');
    for (const path of ['/guests', '/guests?dryRun=true']) {
      const refused = await call('POST', path, second);
      t.is(refused.status, status, path);
      t.regex(messageOf(refused.body), message, path);
    }
    t.is(context.guests.list().length, 1);
    await finished(context, (await call('DELETE', `/guests/${(created.body as Guest).id}`)).jobId);
    t.is((await call('POST', '/guests', second)).status, 202);
  });

test('accepts one of many guests that are created at the same time and of which one fits', async (t) => {
  const { call, context } = await serveApi(t, { quota: { memory: 1000 } });
  const replies = await Promise.all(
    Array.from({ length: 8 }, () => call('POST', '/guests', { memory: 600 })),
  );
  t.deepEqual(replies.map(({ status }) => status).sort(), [202, ...Array(7).fill(409)]);
  t.is(context.guests.list().length, 1);
});

test('fails a create whose disks turn out to be larger than the quota, and removes them', async (t) => {
  const { call, context, scripted } = await serveApi(t, {
    quota: { disk: 100 },
    methods: {
      'Test.create': ({ guest }) => ({ guest: { ...guest, disks: [{ ...guest.disks?.[0], size: 101 }] } }),
    },
  });
  const { status, jobId } = await call('POST', '/guests', { disks: [{ bus: 'virtio', image: 'a' }] });
  t.is(status, 202);
  const job = await finished(context, jobId);
  t.is(job.Status, 'Error');
  t.regex(job.Message, /needs 101 MB of disks, but the quota of this host is 100 MB/);
  t.is(scripted.requests('Test.delete').length, 1);
  t.is((await call('POST', '/guests?wait=10', { disks: [{ bus: 'virtio', image: 'a' }] })).status, 507);
});

test('rejects a snapshot beyond the quota with 409, and one of two at once', async (t) => {
  const names: string[] = [];
  const listed = () => ({ snapshots: names.map((name) => ({ id: name, size: 0 })) });
  const { call, context } = await serveApi(t, {
    quota: { snapshots: 2 },
    methods: {
      'Test.listSnapshots': ({ id }) => ({
        snapshots: names.filter((name) => name.startsWith(`${id}/`)).map((name) => ({ id: name, size: 0 })),
      }),
      'Test.createSnapshot': ({ id, dest }) => {
        names.push(`${id}/disk-0@${dest}`, `${id}/disk-1@${dest}`);
        return listed();
      },
      'Test.deleteSnapshot': () => {
        names.length = 0;
        return listed();
      },
    },
  });
  const disks = [disk(1), disk(1)].map((each) => ({
    ...each,
    device: '',
    volume: '',
    image: '',
    source: '',
  }));
  const [one, two] = [await addGuest(context, { disks }), await addGuest(context, { disks })];
  const take = (guest: Guest, dest: string) =>
    call('POST', `/guests/${guest.id}/snapshots?wait=10`, { dest });
  t.is((await take(one, 'a')).status, 200);
  const both = await Promise.all([take(one, 'b'), take(two, 'b')]);
  t.deepEqual(both.map(({ status }) => status).sort(), [200, 409]);
  t.regex(
    messageOf((await take(two, 'c')).body),
    /^the quota of this host is 2 snapshots, .* have 2: delete some/,
  );
  t.is((await call('DELETE', `/guests/${one.id}/snapshots/a?wait=10`)).status, 200);
  await until('a snapshot fits', async () => (await take(two, 'd')).status === 200);
});

test('counts no snapshots of a guest that could not be created, whose storage does not know it', async (t) => {
  const { call, context } = await serveApi(t, {
    quota: { snapshots: 2 },
    methods: {
      'Test.listSnapshots': ({ id }) => {
        if (id === `guests/${failed.id}`) throw new Refusal('not_found', `${id}: not found`);
        return { snapshots: [] };
      },
    },
  });
  const disks = [{ ...disk(1), device: '', volume: '', image: '', source: '' }];
  const failed = await addGuest(context, { disks, state: 'error' });
  const { id } = await addGuest(context, { disks });
  t.is((await call('POST', `/guests/${id}/snapshots?wait=10`, { dest: 'a' })).status, 200);
});

test('names the guest as its client does, because its id is not stored', async (t) => {
  const { call } = await serveApi(t, { quota: { cpu: 1 } });
  const spec = { cpu: 2, metadata: { name: 'web' } };
  for (const path of ['/guests', '/guests?dryRun=true'])
    t.regex(messageOf((await call('POST', path, spec)).body), /^guest web needs 2 vCPUs, .* is 1 vCPU, /);
});

test('shows the quota and what is used of it in the metrics', async (t) => {
  const { call, context, url } = await serveApi(t, { quota: { memory: 1000, guests: 5, snapshots: 7 } });
  await finished(context, (await call('POST', '/guests', { memory: 600 })).jobId);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  t.regex(metrics, /^mistify_quota_limit\{resource="memory"\} 1000$/m);
  t.regex(metrics, /^mistify_quota_used\{resource="memory"\} 600$/m);
  t.regex(metrics, /^mistify_quota_used\{resource="guests"\} 1$/m);
  t.regex(metrics, /^mistify_quota_limit\{resource="snapshots"\} 7$/m);
  t.notRegex(metrics, /resource="cpu"/);
});
