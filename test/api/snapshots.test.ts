import test, { type ExecutionContext } from 'ava';
import { diskSerial } from '../../lib/model/disks.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import type { SnapshotRequest } from '../../lib/rpc/protocol/snapshot-messages.js';
import { addGuest, finished, type TestAgentOptions } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import { gate } from '../helpers/wait.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const ALL = `/guests/${ID}/snapshots`;
const disk = (device: string) => ({ bus: 'virtio', device, size: 8, volume: '', image: '', source: '' });

const withGuest = async (t: ExecutionContext, options: TestAgentOptions = {}): Promise<Api> => {
  const api = await serveApi(t, options);
  await addGuest(api.context, { id: ID, state: 'shutoff', disks: [disk('vda'), disk('vdb')] });
  return api;
};

const defaults = { dest: '', recursive: true, destroyMoreRecent: false };

/** Each request with the request that the sub-agent must get, which always has all keys. */
const REQUESTS: [method: string, path: string, body: unknown, sent: string, request: SnapshotRequest][] = [
  ['GET', ALL, undefined, 'listSnapshots', { ...defaults, id: `guests/${ID}` }],
  [
    'POST',
    ALL,
    { dest: 'a:b.c-d_1' },
    'createSnapshot',
    { ...defaults, id: `guests/${ID}`, dest: 'a:b.c-d_1' },
  ],
  ['GET', `${ALL}/monday`, undefined, 'getSnapshot', { ...defaults, id: `guests/${ID}@monday` }],
  ['DELETE', `${ALL}/monday`, undefined, 'deleteSnapshot', { ...defaults, id: `guests/${ID}@monday` }],
  [
    'POST',
    ALL,
    { dest: 'monday', description: 'before the upgrade' },
    'createSnapshot',
    { ...defaults, id: `guests/${ID}`, dest: 'monday', description: 'before the upgrade' },
  ],
  [
    'PATCH',
    `${ALL}/monday`,
    { description: 'after it' },
    'updateSnapshot',
    { ...defaults, id: `guests/${ID}@monday`, description: 'after it' },
  ],
  [
    'PATCH',
    `${ALL}/monday`,
    { description: null },
    'updateSnapshot',
    { ...defaults, id: `guests/${ID}@monday`, description: '' },
  ],
  [
    'POST',
    ALL,
    { dest: 'running', memory: true },
    'createCheckpoint',
    { ...defaults, id: `guests/${ID}`, dest: 'running' },
  ],
  [
    'POST',
    `${ALL}/monday/rollback`,
    { memory: false, poweroff: true },
    'rollbackSnapshot',
    { ...defaults, id: `guests/${ID}@monday`, memory: false, poweroff: true },
  ],
  ['POST', `${ALL}/monday/rollback`, null, 'rollbackSnapshot', { ...defaults, id: `guests/${ID}@monday` }],
  [
    'POST',
    `${ALL}/monday/rollback`,
    { destroyMoreRecent: true },
    'rollbackSnapshot',
    { ...defaults, id: `guests/${ID}@monday`, destroyMoreRecent: true },
  ],
];

const oneDisk = (path: string, id: string) =>
  [
    path.replace('/snapshots', `/disks/${id}/snapshots`),
    (request: SnapshotRequest) => ({
      ...request,
      id: request.id.replace(`guests/${ID}`, `guests/${ID}/disk-${id}`),
      recursive: false,
    }),
  ] as const;

/** The calls without the guest, which the stages of a rollback get, too. */
const callsOf = ({ calls }: Api['scripted']) =>
  calls.map(({ method, request: { guest: _, ...request } }) => ({ method, request }));

for (const [method, path, body, action, request] of REQUESTS) {
  const name = `${method} ${path.replace(ID, 'ID')} with ${JSON.stringify(body)}`;

  test(`${name} calls the sub-agent for all disks`, async (t) => {
    const { call, context, scripted } = await withGuest(t);
    const { jobId } = await call(method, path, body);
    if (/^(create|update|delete|rollback)/.test(action)) await finished(context, jobId);
    t.deepEqual(callsOf(scripted), [{ method: `Test.${action}`, request: request as never }]);
  });

  for (const id of action === 'createCheckpoint' ? [] : ['0', '1', 'vdb'])
    test(`${name}, below /disks/${id}, calls the sub-agent for that disk alone`, async (t) => {
      const { call, context, scripted } = await withGuest(t);
      const [url, narrowed] = oneDisk(path, id);
      const { jobId } = await call(method, url, body);
      if (/^(create|update|delete|rollback)/.test(action)) await finished(context, jobId);
      t.deepEqual(callsOf(scripted), [{ method: `Test.${action}`, request: narrowed(request) as never }]);
    });
}

for (const body of [undefined, 'null', '{}', '{"dest":""}', '{"dest":null}'])
  test(`names a snapshot created with ${body} after the time`, async (t) => {
    const { call, context, scripted } = await withGuest(t);
    const before = Math.floor(Date.now() / 1000);
    await finished(context, (await call('POST', ALL, body)).jobId);
    const [, seconds] = /^snap-(\d+)$/.exec(scripted.requests('Test.createSnapshot')[0]?.dest ?? '') ?? [];
    t.true(Number(seconds) >= before && Number(seconds) <= Date.now() / 1000, seconds);
  });

for (const [path, body] of [
  [ALL, { dest: 'a/b' }],
  [ALL, { dest: 'x'.repeat(256) }],
  [ALL, { dest: 5 }],
  [ALL, { description: 'two\nlines' }],
  [ALL, { description: 'x'.repeat(256) }],
  [`${ALL}/monday/rollback`, { destroyMoreRecent: 'yes' }],
  [`${ALL}/monday/rollback`, 'not JSON'],
] as const)
  test(`POST ${path.replace(ID, 'ID')} rejects ${JSON.stringify(body).slice(0, 40)} with 400`, async (t) => {
    const { call, scripted } = await withGuest(t);
    t.is((await call('POST', path, body)).status, 400);
    t.deepEqual(scripted.calls, []);
  });

test('responds with 404 for an unknown snapshot', async (t) => {
  const { call } = await withGuest(t, { methods: { 'Test.getSnapshot': () => ({ snapshots: [] }) } });
  const { status, body } = await call('GET', `${ALL}/nope`);
  t.is(status, 404);
  t.like(body, { message: `snapshot nope of guest ${ID}: not found` });
});

test("rejects an unknown disk with 404 and names the guest's disks", async (t) => {
  const { call, scripted } = await withGuest(t);
  const { status, body } = await call('GET', `/guests/${ID}/disks/7/snapshots`);
  t.is(status, 404);
  t.regex((body as { message: string }).message, /no disk 7.*0 \(vda\), 1 \(vdb\)/);
  t.deepEqual(scripted.calls, []);
});

test('selects a disk by its serial, and rejects a device name that is not certain with 409', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const disks = ['sda', 'sdb'].map((device) => ({ ...disk(device), bus: 'sata' }));
  await addGuest(context, { id: ID, disks });
  const path = (name: string) => `/guests/${ID}/disks/${name}/snapshots`;
  t.is((await call('GET', path(diskSerial(ID, 1)))).status, 200);
  t.like(scripted.requests('Test.listSnapshots')[0], { id: `guests/${ID}/disk-1` });
  const { status, body } = await call('POST', path('sdb'), {});
  t.is(status, 409);
  t.regex(
    (body as { message: string }).message,
    /may give the name sdb to another disk: use the number or the serial, one of 0 \(disk0-/,
  );
  t.deepEqual(scripted.requests('Test.createSnapshot'), []);
});

test('accepts a snapshot action with [] and its job', async (t) => {
  const { call, context } = await withGuest(t);
  const { status, text, jobId } = await call('POST', ALL, { dest: 'monday' });
  t.deepEqual([status, text], [202, '[]']);
  t.like(await finished(context, jobId), { GuestID: ID, Action: 'createSnapshot', Status: 'Complete' });
});

test('responds with 200 and the snapshots to a client that waits', async (t) => {
  const { call, context } = await withGuest(t);
  for (const [method, path, id] of [
    ['POST', ALL, `guests/${ID}@monday`],
    ['POST', `${ALL}/monday/rollback`, `guests/${ID}@monday`],
    ['DELETE', `${ALL}/monday`, `guests/${ID}@monday`],
  ] as const) {
    const response = await call(method, `${path}?wait=30`, path === ALL ? { dest: 'monday' } : undefined);
    t.deepEqual([response.status, response.body], [200, [{ id, size: 8 }]] as never);
    t.is(context.jobs.get(response.jobId ?? '').Status, 'Complete');
  }
});

test('responds to a client that waits with the failure, or with 202 when time is up', async (t) => {
  const { opened, open } = gate();
  const { call, context } = await withGuest(t, {
    methods: {
      'Test.createSnapshot': () => {
        throw new Error('the disk is full');
      },
      'Test.deleteSnapshot': async () => {
        await opened;
        return { snapshots: [] };
      },
    },
  });
  const failed = await call('POST', `${ALL}?wait=30`);
  t.is(failed.status, 502);
  t.like(failed.body, { message: 'test: the disk is full' });
  const slow = await call('DELETE', `${ALL}/monday?wait=0.05`);
  t.deepEqual([slow.status, slow.text], [202, '[]']);
  open();
  t.is((await finished(context, slow.jobId)).Status, 'Complete');
});

test('rejects a rollback of a running guest with 409 without calling the sub-agent', async (t) => {
  const { call, context, scripted } = await withGuest(t);
  for (const state of ['running', 'paused']) {
    await context.guests.update(ID, (guest) => ({ ...guest, state }));
    const { status, body } = await call('POST', `${ALL}/monday/rollback`);
    t.is(status, 409);
    t.like(body, { message: `guest ${ID} is ${state}: shut it down first, then roll it back` });
  }
  t.deepEqual(scripted.calls, []);
});

test('queues a rollback behind the action that stops the guest', async (t) => {
  const { opened, open } = gate();
  const { call, context } = await withGuest(t, {
    methods: {
      'Test.shutdown': async ({ guest }) => {
        await opened;
        return { guest: { ...guest, state: 'shutoff' } };
      },
    },
  });
  await context.guests.update(ID, (guest) => ({ ...guest, state: 'running' }));
  await call('POST', `/guests/${ID}/shutdown`);
  const { status, jobId } = await call('POST', `${ALL}/monday/rollback`);
  t.is(status, 202);
  open();
  t.is((await finished(context, jobId)).Status, 'Complete');
});

const ENDPOINTS = [
  ['GET', ALL],
  ['POST', ALL],
  ['GET', `${ALL}/monday`],
  ['DELETE', `${ALL}/monday`],
  ['POST', `${ALL}/monday/rollback`],
  ['GET', `${ALL}/monday/download`],
  ['POST', `/guests/${ID}/disks/vda/snapshots`],
] as const;

test('says that a container has no snapshots, with 400', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  await addGuest(context, { id: ID, type: 'container' });
  for (const [method, path] of ENDPOINTS)
    t.like(
      await call(method, path),
      { status: 400, body: { message: `guest ${ID} is a container, which has no snapshots` } },
      `${method} ${path}`,
    );
  t.deepEqual(scripted.calls, []);
});

test('says why a guest that could not be created has no snapshots, with 409', async (t) => {
  const { call, context, scripted } = await serveApi(t, {
    methods: {
      'Test.create': () => {
        throw new Refusal('conflict', 'no room for its disks');
      },
    },
  });
  await finished(context, (await call('POST', '/guests', { id: ID })).jobId);
  for (const [method, path] of ENDPOINTS) {
    const { status, body } = await call(method, path);
    t.is(status, 409, `${method} ${path}`);
    t.regex((body as { message: string }).message, /could not be created \(.*no room for its disks\)/);
  }
  t.deepEqual(scripted.requests('Test.listSnapshots'), []);
});

test('a snapshot of one disk has no memory, nor has one whose name leaves no room for it', async (t) => {
  const { call, scripted } = await withGuest(t);
  for (const [path, body, words] of [
    [`/guests/${ID}/disks/0/snapshots`, { dest: 'monday', memory: true }, /one disk has no memory/],
    [`/guests/${ID}/disks/0/snapshots/monday/rollback`, { memory: true }, /one disk has no memory/],
    [ALL, { dest: 'x'.repeat(255), memory: true }, /at most 254 characters/],
  ] as const) {
    const { status, body: error } = await call('POST', path, body);
    t.is(status, 400);
    t.regex((error as { message: string }).message, words);
  }
  t.deepEqual(scripted.calls, []);
});

test('a rollback that powers the guest off first is accepted while the guest runs', async (t) => {
  const { call, context } = await serveApi(t);
  await addGuest(context, { id: ID, state: 'running', disks: [disk('vda')] });
  t.is((await call('POST', `${ALL}/monday/rollback`)).status, 409);
  t.is((await call('POST', `${ALL}/monday/rollback`, { poweroff: true })).status, 202);
});
