import test from 'ava';
import { finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { gate, until } from '../helpers/wait.js';

// Guarantees: G17.

/** Methods that record their calls, and whose fetches last until their gate opens. */
const slowFetches = () => {
  const { opened, open } = gate();
  const began: string[] = [];
  const methods = {
    'Test.fetchImage': async ({ id }: { id: string }) => {
      began.push(`fetch ${id}`);
      if (id.startsWith('slow')) await opened;
      return { images: [] };
    },
    'Test.deleteImage': async ({ id }: { id: string }) => {
      began.push(`delete ${id}`);
      return { images: [] };
    },
  };
  return { methods, began, open };
};

test('deletes an image while another one is fetched', async (t) => {
  const { methods, began, open } = slowFetches();
  const { call, context } = await serveApi(t, { methods });
  const fetched = await call('POST', '/images', { id: 'slow' });
  const { jobId } = await call('DELETE', '/images/kvm-image');
  t.like(await finished(context, jobId), { Status: 'Complete' });
  t.deepEqual(began.sort(), ['delete kvm-image', 'fetch slow']);
  open();
  t.like(await finished(context, fetched.jobId), { Status: 'Complete' });
});

test('keeps the order of the jobs of one image', async (t) => {
  const { methods, began, open } = slowFetches();
  const { call, context } = await serveApi(t, {
    methods: {
      ...methods,
      'Test.getImage': async ({ id }: { id: string }) => ({ images: [{ id, type: 'kvm', size: 1 }] }),
    },
  });
  await call('POST', '/images', { id: 'slow' });
  const deleted = await call('DELETE', '/images/slow');
  const fetched = await call('POST', '/images', { id: 'slow', source: 'http://192.0.2.1/other' });
  await until('the first fetch began', async () => began.length > 0);
  t.deepEqual(began, ['fetch slow']);
  open();
  await finished(context, deleted.jobId);
  await finished(context, fetched.jobId);
  t.deepEqual(began, ['fetch slow', 'delete slow', 'fetch slow']);
});

test('limits concurrent fetches of images, and a cancelled one makes room', async (t) => {
  const { methods, began, open } = slowFetches();
  const { call, context } = await serveApi(t, { methods });
  const jobs: (string | null)[] = [];
  for (let count = 0; count < 6; count += 1)
    jobs.push((await call('POST', '/images', { id: `slow-${count}` })).jobId);
  await until('the first fetches began', async () => began.length === 2);
  const { jobId } = await call('DELETE', '/images/kvm-image');
  t.like(await finished(context, jobId), { Status: 'Complete' });
  t.deepEqual(began.filter((what) => what.startsWith('fetch')).length, 2);
  t.is((await call('DELETE', `/jobs/${jobs[2]}`)).status, 200);
  open();
  for (const job of jobs) await finished(context, job);
  t.deepEqual(began.toSorted(), [
    'delete kvm-image',
    ...[0, 1, 3, 4, 5].map((count) => `fetch slow-${count}`),
  ]);
});

test('cancels a fetch that runs or waits, and then accepts another one of the same image', async (t) => {
  const { methods, open } = slowFetches();
  const { call, context } = await serveApi(t, { methods });
  for (const id of ['slow', 'slow', 'slow']) {
    const { jobId } = await call('POST', '/images', { id });
    const waiting = await call('POST', '/images', { id });
    for (const job of [waiting.jobId, jobId]) {
      const { status, body } = await call('DELETE', `/jobs/${job}`);
      t.is(status, 200);
      t.like(body, { Status: 'Error', Message: 'cancelled' });
    }
  }
  open();
  const { jobId } = await call('POST', '/images', { id: 'slow' });
  t.like(await finished(context, jobId), { Status: 'Complete' });
});

test('rejects an image job with 429 when a hundred wait', async (t) => {
  const { methods, open } = slowFetches();
  const { call } = await serveApi(t, { methods });
  const ids = ['slow', ...Array.from({ length: 100 }, () => 'slow')];
  for (const id of ids) t.is((await call('POST', '/images', { id })).status, 202);
  const { status, body } = await call('POST', '/images', { id: 'other' });
  t.is(status, 429);
  t.regex((body as { message: string }).message, /agent/);
  open();
});
