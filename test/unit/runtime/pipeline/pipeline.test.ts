import test from 'ava';
import { createGuest } from '../../../../handlers/guests/create.js';
import { getCpuMetrics } from '../../../../handlers/guests/metrics/cpu.js';
import { startGuest } from '../../../../handlers/guests/start.js';
import { addGuest, event, finished, startTestAgent } from '../../../helpers/agent.js';

const stages = [{ method: 'Test.One', args: { colour: 'red' } }, { method: 'Test.Two' }];

test('runs stages in order, each with the current guest and its own args', async (t) => {
  const { context, scripted } = await startTestAgent(t, {
    actions: { start: stages },
    methods: {
      'Test.One': ({ guest }) => ({ guest: { ...guest, state: 'one', memory: 64 } }),
      'Test.Two': ({ guest }) => ({ guest: { ...guest, state: 'two' } }),
    },
  });
  const guest = await addGuest(context, { state: 'shutoff', metadata: { owner: 'ops' } });
  const { headers } = await startGuest(event({ params: { guestID: guest.id } }), context);
  await finished(context, headers?.['X-Guest-Job-ID']);
  t.deepEqual(scripted.calls, [
    {
      method: 'Test.One',
      request: { guest, action: 'start', args: { colour: 'red' } } as never,
    },
    {
      method: 'Test.Two',
      request: { guest: { ...guest, memory: 64, state: 'one' }, action: 'start' } as never,
    },
  ]);
  const job = headers?.['X-Guest-Job-ID'] ?? '';
  t.deepEqual(scripted.stages, [
    { job, stage: 0, attempt: 1 },
    { job, stage: 1, attempt: 1 },
  ]);
  t.deepEqual(context.guests.get(guest.id), { ...guest, memory: 64, state: 'two' });
});

test('stops at the first failure and keeps what earlier stages stored', async (t) => {
  const { context, scripted } = await startTestAgent(t, {
    actions: { start: [...stages, { method: 'Test.Three' }] },
    methods: {
      'Test.One': ({ guest }) => ({ guest: { ...guest, state: 'one' } }),
      'Test.Two': () => {
        throw new Error('the second one broke');
      },
      'Test.Three': ({ guest }) => ({ guest }),
    },
  });
  const { id } = await addGuest(context);
  const { headers } = await startGuest(event({ params: { guestID: id } }), context);
  const job = await finished(context, headers?.['X-Guest-Job-ID']);
  t.like(job, { Status: 'Error', Message: 'test: the second one broke' });
  t.is(scripted.requests('Test.Three').length, 0);
  t.is(context.guests.get(id).state, 'one');
});

test('completes an action without stages at once', async (t) => {
  const { context } = await startTestAgent(t, { actions: { start: [], cpuMetrics: [] } });
  const guest = await addGuest(context);
  const { headers } = await startGuest(event({ params: { guestID: guest.id } }), context);
  t.is((await finished(context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.deepEqual(context.guests.get(guest.id), guest);
  t.deepEqual((await getCpuMetrics(event({ params: { guestID: guest.id } }), context)).body, []);
});

test('returns the response of the last stage of an info action', async (t) => {
  const { context } = await startTestAgent(t, {
    actions: { cpuMetrics: [{ method: 'Test.One' }, { method: 'Test.Two' }] },
    methods: {
      'Test.One': ({ guest }) => ({ guest, type: 'cpu', cpu: [{ cpu_time: 1, vcpu_time: 1 }] }),
      'Test.Two': ({ guest }) => ({ guest, type: 'cpu', cpu: [{ cpu_time: 2, vcpu_time: 2 }] }),
    },
  });
  const { id } = await addGuest(context);
  const { body } = await getCpuMetrics(event({ params: { guestID: id } }), context);
  t.deepEqual(body, [{ cpu_time: 2, vcpu_time: 2 }]);
});

test('sends the job, the stage and the attempt with each call', async (t) => {
  const seen: unknown[] = [];
  const { context } = await startTestAgent(t, {
    actions: { create: stages },
    methods: {
      'Test.One': ({ guest }, { job }) => {
        seen.push(job);
        return seen.length === 1 ? { guest, retry: 0.01 } : { guest };
      },
      'Test.Two': ({ guest }, { job }) => {
        seen.push(job);
        return { guest };
      },
    },
  });
  const { headers } = await createGuest(event({ payload: {} }), context);
  const { ID: job } = await finished(context, headers?.['X-Guest-Job-ID']);
  t.deepEqual(seen, [
    { job, stage: 0, attempt: 1 },
    { job, stage: 0, attempt: 2 },
    { job, stage: 1, attempt: 1 },
  ]);
});
