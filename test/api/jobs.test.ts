import test from 'ava';
import type { Job } from '../../lib/model/job.js';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { gate, until } from '../helpers/wait.js';

const ids = (jobs: unknown): string[] => (jobs as Job[]).map(({ ID }) => ID);

test('lists jobs newest first, at most the limit', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context);
  const queued: string[] = [];
  for (let count = 0; count < 4; count++) {
    const { jobId } = await call('POST', `/guests/${id}/reboot`);
    queued.unshift((await finished(context, jobId)).ID);
  }
  t.deepEqual(ids((await call('GET', '/jobs')).body), queued);
  t.deepEqual(ids((await call('GET', '/jobs?limit=2')).body), queued.slice(0, 2));
  t.deepEqual(ids((await call('GET', `/guests/${id}/jobs?limit=3`)).body), queued.slice(0, 3));
});

test('formats a job with capitalised keys, RFC 3339 times and zero times for pending steps', async (t) => {
  const { opened, open } = gate();
  const { call, context } = await serveApi(t, {
    methods: {
      'Test.start': async ({ guest }) => {
        await opened;
        return { guest };
      },
    },
  });
  const { id } = await addGuest(context);
  const [running, queued] = [
    await call('POST', `/guests/${id}/start`),
    await call('POST', `/guests/${id}/suspend`),
  ];
  const job = async (jobId: string | null): Promise<Job> => (await call('GET', `/jobs/${jobId}`)).body as Job;
  await until('it runs', async () => (await job(running.jobId)).Status === 'Running');
  const waiting = await job(queued.jobId);
  t.deepEqual(Object.keys(waiting), [
    'ID',
    'GuestID',
    'Action',
    'QueuedAt',
    'StartedAt',
    'UpdatedAt',
    'Status',
    'Message',
    'RequestedBy',
  ]);
  t.like(waiting, { GuestID: id, Action: 'suspend', Status: 'Queued', Message: '' });
  t.is(waiting.StartedAt, '0001-01-01T00:00:00Z');
  t.regex(waiting.QueuedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  open();
  await finished(context, queued.jobId);
  t.not((await job(queued.jobId)).StartedAt, waiting.StartedAt);
});

test("lists only a guest's own jobs, and rejects another guest's job with 404", async (t) => {
  const { call, context } = await serveApi(t);
  const [mine, other] = [await addGuest(context), await addGuest(context)];
  const { jobId } = await call('POST', `/guests/${mine.id}/reboot`);
  await call('POST', `/guests/${other.id}/reboot`);
  t.deepEqual(ids((await call('GET', `/guests/${mine.id}/jobs`)).body), [jobId ?? '']);
  t.is((await call('GET', `/guests/${mine.id}/jobs/${jobId}`)).status, 200);
  t.is((await call('GET', `/guests/${other.id}/jobs/${jobId}`)).status, 404);
});

test('lists no jobs for a guest that never had any', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context);
  t.is((await call('GET', `/guests/${id}/jobs`)).text, '[]');
});

test('gives image jobs the GuestID agent', async (t) => {
  const { call, context } = await serveApi(t);
  const { jobId } = await call('POST', '/images', { id: 'debian-12' });
  t.like(await finished(context, jobId), { GuestID: 'agent', Action: 'fetchImage', Status: 'Complete' });
});

test("shows a sub-agent's progress in the message of the running job until it ends", async (t) => {
  const { opened, open } = gate();
  const { call, context } = await serveApi(t, {
    methods: {
      'Test.fetchImage': async (_request, { progress }) => {
        progress('12 of 48 MB');
        await opened;
        return { images: [] };
      },
    },
  });
  const { jobId } = await call('POST', '/images', { id: 'debian-12' });
  await until('the progress is shown', async () => {
    const { body } = await call('GET', `/jobs/${jobId}`);
    return (body as Job).Message === '12 of 48 MB' && (body as Job).Status === 'Running';
  });
  open();
  t.like(await finished(context, jobId), { Status: 'Complete', Message: '' });
});
