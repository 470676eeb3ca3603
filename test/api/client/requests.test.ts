import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { JobError, MistifyClient, MistifyError } from '../../../lib/client/index.js';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { gate } from '../../helpers/wait.js';

test('lists a page with selected fields', async (t) => {
  const { url, context } = await serveApi(t);
  for (const memory of [1, 2, 3]) await addGuest(context, { memory });
  const { guests } = new MistifyClient({ url });
  const first = await guests.list({ limit: 2, fields: ['memory'] });
  t.deepEqual(first.items, [{ memory: 1 }, { memory: 2 }]);
  const second = await guests.list({ limit: 2, cursor: first.next, fields: ['memory'] });
  t.deepEqual(second, { items: [{ memory: 3 }] });
});

test('iterates over all pages', async (t) => {
  const { url, context, asked } = await serveApi(t);
  for (const memory of [1, 2, 3]) await addGuest(context, { memory });
  const found: number[] = [];
  for await (const { memory = 0 } of new MistifyClient({ url }).guests.every({ limit: 1 }))
    found.push(memory);
  t.deepEqual(found, [1, 2, 3]);
  t.is(asked.length, 3);
});

test('waits for the result of a job within the request', async (t) => {
  const { url } = await serveApi(t);
  const created = await new MistifyClient({ url }).guests.create({ memory: 64 }, { wait: 30 });
  t.like(created, { finished: true, body: { memory: 64, state: 'running' } });
  t.regex(created.jobId, /^[0-9a-f-]{36}$/);
});

test('a dry run returns what would change, without a job', async (t) => {
  const { url, context } = await serveApi(t);
  const client = new MistifyClient({ url });
  const dryRun = await client.guests.create({ memory: 64 }, { dryRun: true });
  t.like(dryRun, { jobId: '', finished: false, body: { memory: 64 } });
  t.is((await client.metadata.patch({ rack: 'r1' }, { dryRun: true })).body.rack, 'r1');
  t.deepEqual(context.guests.list(), []);
  t.deepEqual(context.jobs.list(), []);
  t.deepEqual(await client.metadata.get(), {});
});

test('reports the progress of a job until it ends', async (t) => {
  const { opened, open } = gate();
  const { url } = await serveApi(t, {
    methods: {
      'Test.create': async ({ guest }) => {
        await opened;
        return { guest: { ...guest, state: 'running' }, message: 'booted' };
      },
    },
  });
  const client = new MistifyClient({ url });
  const { jobId } = await client.guests.create({ memory: 64 });
  const seen: string[] = [];
  const job = await client.waitForJob(jobId, {
    onProgress: ({ Status }) => {
      seen.push(Status);
      open();
    },
  });
  t.is(job.Status, 'Complete');
  t.is(seen.at(-1), 'Complete');
  t.true(seen.length >= 2, seen.join());
});

test('throws a JobError when the job fails', async (t) => {
  const fail = (): never => {
    throw new Error('no room');
  };
  const { url } = await serveApi(t, { methods: { 'Test.create': fail } });
  const client = new MistifyClient({ url });
  const { jobId } = await client.guests.create({ memory: 64 });
  const error = await t.throwsAsync(client.waitForJob(jobId), { instanceOf: JobError });
  t.like(error, { status: 200, job: { ID: jobId, Status: 'Error' } });
  t.regex(error?.message ?? '', /no room/);
});

test('stops waiting for a job when the signal aborts', async (t) => {
  const { opened, open } = gate();
  const { url } = await serveApi(t, { methods: { 'Test.create': () => opened } });
  const client = new MistifyClient({ url });
  const { jobId } = await client.guests.create({ memory: 64 });
  const controller = new AbortController();
  await t.throwsAsync(
    client.waitForJob(jobId, { signal: controller.signal, onProgress: () => controller.abort() }),
    { name: 'AbortError' },
  );
  open();
});

test('a conditional change fails with 412 after another change', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'shutoff' });
  const client = new MistifyClient({ url });
  const metadata = client.metadataOf(id);
  const { etag } = await metadata.getTagged();
  const { etag: changed } = await metadata.patch({ a: '1' }, { ifMatch: etag });
  t.like(await t.throwsAsync(metadata.patch({ a: '2' }, { ifMatch: etag })), { status: 412 });
  t.deepEqual((await metadata.patch({ a: null }, { ifMatch: changed })).body, {});
  const seen = await client.guests.getTagged(id);
  await client.guests.perform(id, 'start', { ifMatch: seen.etag, wait: 30 });
  t.like(await t.throwsAsync(client.guests.delete(id, { ifMatch: seen.etag })), { status: 412 });
});

test('streams a snapshot, with its length if known', async (t) => {
  for (const downloadLength of [21, undefined]) {
    const { url, context } = await serveApi(t, { downloadLength });
    const { id } = await addGuest(context);
    const { bytes, length } = await new MistifyClient({ url }).snapshotsOf(id, 'vda').download('monday');
    t.is(length, downloadLength);
    t.is((await buffer(bytes)).toString(), 'the bytes of the disk');
  }
});

test('rejects a misspelt key instead of letting the agent ignore it', async (t) => {
  const { url, context } = await serveApi(t);
  const misspelt = { memroy: 64 } as object;
  const error = await t.throwsAsync(new MistifyClient({ url }).guests.create(misspelt), {
    instanceOf: MistifyError,
    message: /"memroy"/,
  });
  t.is(error.status, 400);
  t.deepEqual(context.guests.list(), []);
});

test('throws the message of the agent, for a download too', async (t) => {
  const { url } = await serveApi(t);
  const client = new MistifyClient({ url });
  const id = '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';
  for (const ask of [() => client.guests.get(id), () => client.snapshotsOf(id).download('monday')]) {
    const error = await t.throwsAsync<MistifyError>(ask(), { instanceOf: MistifyError });
    t.like(error, { status: 404, message: `guest ${id}: not found` });
  }
});

for (const id of ['', '.', '..'])
  test(`rejects "${id}" as an ID before sending a request`, async (t) => {
    const { url, asked } = await serveApi(t);
    const client = new MistifyClient({ url });
    await t.throwsAsync(async () => client.guests.get(id), { instanceOf: MistifyError });
    t.deepEqual(asked, []);
  });

test('encodes an ID with slashes as one path segment', async (t) => {
  const { url, asked } = await serveApi(t);
  await new MistifyClient({ url }).containerImages.get('docker.io/library/busybox:1');
  t.deepEqual(asked, ['GET /container_images/{imageID}']);
});
