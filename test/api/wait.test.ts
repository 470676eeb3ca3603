import test from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { gate } from '../helpers/wait.js';

test('responds with the guest after the action to a client that waits', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'shutoff' });
  const { status, body, headers } = await call('POST', `/guests/${id}/start?wait=30`);
  t.is(status, 200);
  t.like(body, { id, state: 'running' });
  t.is(context.jobs.get(headers.get('X-Guest-Job-ID') ?? '').Status, 'Complete');
});

test('responds with the created guest to a client that waits', async (t) => {
  const { call } = await serveApi(t);
  const { status, body } = await call('POST', '/guests?wait=30', { memory: 64 });
  t.is(status, 200);
  t.like(body, { memory: 64, state: 'running' });
});

test('responds with the deleted guest to a client that waits', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context);
  t.like(await call('DELETE', `/guests/${id}?wait=30`), { status: 200 });
  t.is((await call('GET', `/guests/${id}`)).status, 404);
});

test('responds with the fetched image to a client that waits', async (t) => {
  const { call } = await serveApi(t);
  const { status, body } = await call('POST', '/images?wait=30', { id: 'debian-12' });
  t.is(status, 200);
  t.is((body as { images: unknown[] }).images.length, 1);
});

test('responds with the failure of the action to a client that waits', async (t) => {
  const { call, context } = await serveApi(t, {
    methods: {
      'Test.start': () => {
        throw new Error('no room');
      },
    },
  });
  const { id } = await addGuest(context);
  t.like(await call('POST', `/guests/${id}/start?wait=30`), {
    status: 502,
    body: { message: 'test: no room' },
  });
});

test('responds with 202 and the job when the wait is over', async (t) => {
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
  t.is((await call('POST', `/guests/${id}/start?wait=0.05`)).status, 202);
  open();
});

test('combines the messages of the stages in a complete job', async (t) => {
  const { call, context } = await serveApi(t, {
    methods: { 'Test.start': ({ guest }) => ({ guest, message: 'the clock of the guest was not set' }) },
  });
  const { id } = await addGuest(context);
  const { headers } = await call('POST', `/guests/${id}/start?wait=30`);
  t.like(context.jobs.get(headers.get('X-Guest-Job-ID') ?? ''), {
    Status: 'Complete',
    Message: 'the clock of the guest was not set',
  });
});
