import test, { type ExecutionContext } from 'ava';
import type { SnapshotRequest } from '../../lib/rpc/protocol/messages.js';
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

/** Each request, and what the sub-agent is to get for it: always all the keys. */
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

for (const [method, path, body, action, request] of REQUESTS) {
  const name = `${method} ${path.replace(ID, 'ID')} with ${JSON.stringify(body)}`;

  test(`${name} asks the sub-agent about all disks`, async (t) => {
    const { call, context, scripted } = await withGuest(t);
    const { jobId } = await call(method, path, body);
    if (/^(create|delete|rollback)/.test(action)) await finished(context, jobId);
    t.deepEqual(scripted.calls, [{ method: `Test.${action}`, request: request as never }]);
  });

  for (const id of ['0', '1', 'vdb'])
    test(`${name}, below /disks/${id}, asks about that disk alone`, async (t) => {
      const { call, context, scripted } = await withGuest(t);
      const [url, narrowed] = oneDisk(path, id);
      const { jobId } = await call(method, url, body);
      if (/^(create|delete|rollback)/.test(action)) await finished(context, jobId);
      t.deepEqual(scripted.calls, [{ method: `Test.${action}`, request: narrowed(request) as never }]);
    });
}

for (const body of [undefined, 'null', '{}', '{"dest":""}', '{"dest":null}'])
  test(`a snapshot created with ${body} is named after the time`, async (t) => {
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
  [`${ALL}/monday/rollback`, { destroyMoreRecent: 'yes' }],
  [`${ALL}/monday/rollback`, 'not JSON'],
] as const)
  test(`POST ${path.replace(ID, 'ID')} with ${JSON.stringify(body).slice(0, 40)} is a 400`, async (t) => {
    const { call, scripted } = await withGuest(t);
    t.is((await call('POST', path, body)).status, 400);
    t.deepEqual(scripted.calls, []);
  });

test('a snapshot that is not there is a 404', async (t) => {
  const { call } = await withGuest(t, { methods: { 'Test.getSnapshot': () => ({ snapshots: [] }) } });
  const { status, body } = await call('GET', `${ALL}/nope`);
  t.is(status, 404);
  t.like(body, { message: 'snapshot nope: not found' });
});

test('a disk that the guest does not have is a 404 that says which it has', async (t) => {
  const { call, scripted } = await withGuest(t);
  const { status, body } = await call('GET', `/guests/${ID}/disks/7/snapshots`);
  t.is(status, 404);
  t.regex((body as { message: string }).message, /no disk 7.*0 \(vda\), 1 \(vdb\)/);
  t.deepEqual(scripted.calls, []);
});

test('a snapshot action is accepted with [] and its job', async (t) => {
  const { call, context } = await withGuest(t);
  const { status, text, jobId } = await call('POST', ALL, { dest: 'monday' });
  t.deepEqual([status, text], [202, '[]']);
  t.like(await finished(context, jobId), { GuestID: ID, Action: 'createSnapshot', Status: 'Complete' });
});

test('whoever waits for a snapshot action gets the snapshots, with 200', async (t) => {
  const { call, context } = await withGuest(t);
  for (const [method, path, id] of [
    ['POST', ALL, `guests/${ID}@monday`],
    ['POST', `${ALL}/monday/rollback`, `guests/${ID}@monday`],
    ['DELETE', `${ALL}/monday`, `guests/${ID}@monday`],
  ] as const) {
    const answer = await call(method, `${path}?wait=30`, path === ALL ? { dest: 'monday' } : undefined);
    t.deepEqual([answer.status, answer.body], [200, [{ id, size: 8 }]] as never);
    t.is(context.jobs.get(answer.jobId ?? '').Status, 'Complete');
  }
});

test('whoever waits gets the error when it fails, and 202 when it takes longer', async (t) => {
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

test('rolling back a guest that is not stopped is a 409, and nothing is asked of the sub-agent', async (t) => {
  const { call, context, scripted } = await withGuest(t);
  for (const state of ['running', 'paused']) {
    await context.guests.update(ID, (guest) => ({ ...guest, state }));
    const { status, body } = await call('POST', `${ALL}/monday/rollback`);
    t.is(status, 409);
    t.like(body, { message: `guest ${ID} is ${state}: shut it down first, then roll it back` });
  }
  t.deepEqual(scripted.calls, []);
});

test('a rollback may be queued behind what stops the guest', async (t) => {
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
