import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { Backup } from '../../lib/model/backup.js';
import type { Guest, LooseGuest } from '../../lib/model/guest.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { addGuest, finished, type TestAgentOptions } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import type { Method } from '../helpers/scripted.js';
import { until } from '../helpers/wait.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const BACKUP = 'b1f3c8d2-9c58-4c29-8e0e-52c17d3a2b10';
const disk = (size: number) => ({ bus: 'virtio', device: '', size, volume: '', image: '', source: '' });

const withGuest = async (
  t: ExecutionContext,
  options: TestAgentOptions = {},
  guest: LooseGuest = {},
): Promise<Api> => {
  const api = await serveApi(t, options);
  await addGuest(api.context, { id: ID, state: 'running', disks: [disk(8)], ...guest });
  return api;
};

/** Runs until the call's client goes away. */
const hanging: Method = (_request, { signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));

test('backs a guest up, under an id that the response names', async (t) => {
  const { call, scripted } = await withGuest(t, {}, { metadata: { name: 'web' } });
  const { body, jobId } = await call('POST', `/guests/${ID}/backups`);
  const { id } = body as Backup;
  t.deepEqual(body, { id, guest: ID, name: 'web' });
  t.like((await call('GET', `/jobs/${jobId}`)).body, {
    GuestID: ID,
    Action: 'createBackup',
    BackupID: id,
  });
  t.like(scripted.requests('Test.createBackup')[0], { backup: id });
});

test('a client that waits gets the complete backup', async (t) => {
  const { call } = await withGuest(t);
  const { status, body } = await call('POST', `/guests/${ID}/backups?wait=30`);
  t.is(status, 200);
  t.like(body, { guest: ID, host: 'scripted', size: 8_388_608 });
});

test('the job has the message of the repository', async (t) => {
  const { call, context } = await withGuest(t, {
    methods: { 'Test.createBackup': () => ({ message: 'everything was read: it is the first backup' }) },
  });
  const { jobId } = await call('POST', `/guests/${ID}/backups`);
  t.is((await finished(context, jobId)).Message, 'everything was read: it is the first backup');
});

test('rejects a second backup of a guest, and names the job of the first', async (t) => {
  const { call } = await withGuest(t, { methods: { 'Test.createBackup': hanging } });
  const { jobId } = await call('POST', `/guests/${ID}/backups`);
  const { status, body } = await call('POST', `/guests/${ID}/backups`);
  t.is(status, 409);
  t.like(body, { message: `guest ${ID} is being backed up by job ${jobId}: wait until that has ended` });
});

for (const [what, guest, status, message] of [
  ['a container', { type: 'container', state: 'running' }, 400, /is a container/],
  ['a guest that could not be created', { state: 'error' }, 409, /could not be created/],
  ['a guest that is being created', { state: 'create' }, 409, /is being created/],
  ['a guest without disks', { disks: [] }, 409, /no disks/],
] as const)
  test(`rejects the backup of ${what}`, async (t) => {
    const { call } = await withGuest(t, {}, guest as LooseGuest);
    const response = await call('POST', `/guests/${ID}/backups`);
    t.is(response.status, status);
    t.regex((response.body as Error).message, message);
  });

test('other actions of the guest do not wait for its backup', async (t) => {
  const { call } = await withGuest(t, { methods: { 'Test.createBackup': hanging } });
  const { jobId } = await call('POST', `/guests/${ID}/backups`);
  t.is((await call('POST', `/guests/${ID}/suspend?wait=30`)).status, 200);
  t.is((await call('POST', `/guests/${ID}/shutdown?wait=30`)).status, 200);
  t.like((await call('GET', `/jobs/${jobId}`)).body, { Status: 'Running' });
});

for (const action of ['poweroff', 'delete'])
  test(`a ${action} ends the backup of its guest at once`, async (t) => {
    const { call, context } = await withGuest(t, { methods: { 'Test.createBackup': hanging } });
    const { jobId } = await call('POST', `/guests/${ID}/backups`);
    t.is((await call('POST', `/guests/${ID}/${action}?wait=30`)).status, 200);
    t.like(await finished(context, jobId), { Status: 'Error', Message: `superseded by ${action}` });
  });

test('a start of a guest that is off ends its backup, waits until that has let go of the disks, and says so', async (t) => {
  const { call, context, scripted } = await withGuest(
    t,
    {
      methods: { 'Test.createBackup': hanging, 'Test.close': ({ guest }) => ({ guest }) },
      actions: { createBackup: [{}, { method: 'Test.close', always: true }] },
    },
    { state: 'shutoff' },
  );
  const { jobId } = await call('POST', `/guests/${ID}/backups`);
  await until('it runs', () => scripted.calls.length > 0);
  const started = await call('POST', `/guests/${ID}/start?wait=30`);
  t.is(started.status, 200);
  t.like(await finished(context, jobId), { Status: 'Error', Message: 'superseded by start' });
  t.is(
    (await finished(context, started.jobId)).Message,
    `this has ended the backup of the guest by job ${jobId}: take it again`,
  );
  t.deepEqual(
    scripted.calls.map(({ method }) => method),
    ['Test.createBackup', 'Test.close', 'Test.start'],
  );
});

test('lists the backups of a guest, newest first, and those of all guests', async (t) => {
  const made = (id: string, created: string) => ({
    ...{ id, guest: ID, host: 'h', created, consistency: 'crash', size: 8, read: 8, stored: 8, disks: [] },
  });
  const [older, newer] = [
    made(randomUUID(), '2026-01-30T12:00:00Z'),
    made(randomUUID(), '2026-01-31T12:00:00Z'),
  ];
  const { call, scripted } = await withGuest(t, {
    methods: { 'Test.listBackups': () => ({ backups: [older, newer] }) },
  });
  t.deepEqual((await call('GET', `/guests/${ID}/backups`)).body, [newer, older]);
  await call('GET', '/backups');
  await call('GET', `/backups?guest=${BACKUP}`);
  t.deepEqual(scripted.requests('Test.listBackups') as unknown[], [{ guest: ID }, {}, { guest: BACKUP }]);
});

test('a deletion waits for no other job: one that uses the backup is named', async (t) => {
  const { call } = await withGuest(t, { methods: { 'Test.verifyBackup': hanging } });
  const { jobId } = await call('POST', `/backups/${BACKUP}/verify`);
  const { status, body } = await call('DELETE', `/backups/${BACKUP}`);
  t.is(status, 409);
  t.regex((body as Error).message, new RegExp(`is in use by job ${jobId}`));
});

for (const [method, path] of [
  ['DELETE', `/backups/${BACKUP}`],
  ['POST', `/backups/${BACKUP}/verify`],
  ['POST', `/backups/${BACKUP}/restore`],
] as const)
  test(`${method} of an unknown backup is a 404 before there is a job: ${path}`, async (t) => {
    const { call, context } = await withGuest(t, {
      methods: {
        'Test.getBackup': () => {
          throw new Refusal('not_found', `backup ${BACKUP}: not found`);
        },
      },
    });
    t.is((await call(method, path)).status, 404);
    t.deepEqual(context.jobs.list(), []);
  });

test('a verification that finds damage fails, and says so', async (t) => {
  const { call } = await withGuest(t, {
    methods: {
      'Test.verifyBackup': ({ backup }) => ({
        backup: {
          ...{ id: backup, guest: ID, host: 'h', created: '2026-01-31T12:00:00Z', consistency: 'crash' },
          ...{ size: 8, read: 8, stored: 8, disks: [], problem: 'chunk 12 of disk 0 differs' },
          verified: { at: '2026-02-01T12:00:00Z', ok: false },
        },
      }),
    },
  });
  const { status, body } = await call('POST', `/backups/${BACKUP}/verify?wait=30`);
  t.is(status, 502);
  t.regex((body as Error).message, /is damaged: chunk 12 of disk 0 differs/);
});

test('publishes an event for a backup that was made, verified or deleted', async (t) => {
  const { call, context } = await withGuest(t);
  const { body } = await call('POST', `/guests/${ID}/backups?wait=30`);
  const { id } = body as Backup;
  await call('POST', `/backups/${id}/verify?wait=30`);
  await call('DELETE', `/backups/${id}?wait=30`);
  const { events } = await context.events.read(0);
  t.deepEqual(
    events.flatMap(({ body: event }) => (event.kind === 'backup' ? [event] : [])),
    (['created', 'verified', 'deleted'] as const).map((change) => ({
      ...{ kind: 'backup' as const, change, id, guest: ID },
    })),
  );
});

test('a dry run of a backup queues nothing', async (t) => {
  const { call, context } = await withGuest(t);
  t.is((await call('POST', `/guests/${ID}/backups?dryRun=true`)).status, 200);
  t.deepEqual(context.jobs.list(), []);
});

test('the same idempotency key makes one backup', async (t) => {
  const { call } = await withGuest(t, { methods: { 'Test.createBackup': hanging } });
  const headers = { 'idempotency-key': 'nightly' };
  const first = await call('POST', `/guests/${ID}/backups`, undefined, headers);
  const second = await call('POST', `/guests/${ID}/backups`, undefined, headers);
  t.is(second.jobId, first.jobId);
  t.deepEqual(second.body, first.body);
});

test('the record of a backup hides secrets from a client that may not read them', async (t) => {
  const { call, context } = await withGuest(t, {
    methods: {
      'Test.getBackup': ({ backup }) => ({
        backup: {
          ...{ id: backup, guest: ID, host: 'h', created: '2026-01-31T12:00:00Z', consistency: 'crash' },
          ...{ size: 8, read: 8, stored: 8, disks: [] },
        },
        record: { id: ID, metadata: { name: 'web', password: 'hunter2' } },
        files: [],
      }),
    },
  });
  // Sealed since the backup.
  await context.guests.update(ID, (guest) => ({ ...guest, metadata: { 'sealed-keys': 'password' } }));
  const { body } = await call('GET', `/backups/${BACKUP}`);
  t.like((body as { record: Guest }).record, {
    metadata: { name: 'web' },
    hidden: ['metadata.password'],
  });
  t.false(JSON.stringify(body).includes('hunter2'));
});
