import test from 'ava';
import { createGuest } from '../../../../handlers/guests/create.js';
import { deleteGuest } from '../../../../handlers/guests/delete.js';
import { startGuest } from '../../../../handlers/guests/start.js';
import { cancelJob } from '../../../../handlers/jobs/cancel.js';
import { event, finished, startTestAgent, type TestAgent } from '../../../helpers/agent.js';
import { until } from '../../../helpers/wait.js';

// Guarantees: G25.

const fail = (message: string) => (): never => {
  throw new Error(message);
};

const create = async ({ context }: TestAgent) => {
  const { headers, body } = await createGuest(event({ payload: { memory: 64 } }), context);
  return { id: body.id, job: await finished(context, headers?.['X-Guest-Job-ID']) };
};

const actions = {
  create: [{ method: 'Test.Disks' }, { method: 'Test.create' }],
  delete: [{ method: 'Test.delete' }, { method: 'Test.NoDisks' }],
};

test('leaves the guest in state error and the reason in the job', async (t) => {
  const agent = await startTestAgent(t, { methods: { 'Test.create': fail('no such bridge: br7') } });
  const { id, job } = await create(agent);
  t.like(job, { Status: 'Error', Message: 'test: no such bridge: br7' });
  t.deepEqual(agent.context.guests.get(id), { id, state: 'error', memory: 64 });
});

test('rejects every action but delete on a guest whose create failed', async (t) => {
  const agent = await startTestAgent(t, { methods: { 'Test.create': fail('no such bridge: br7') } });
  const { id } = await create(agent);
  const start = (): unknown => startGuest(event({ params: { guestID: id } }), agent.context);
  await t.throwsAsync(async () => start(), {
    message: `guest ${id} could not be created (test: no such bridge: br7): create it again by its id, or delete it`,
  });
  t.deepEqual(agent.scripted.requests('Test.start'), []);
});

test('runs every delete stage after a failed create, even when one fails', async (t) => {
  const agent = await startTestAgent(t, {
    actions,
    methods: {
      'Test.Disks': ({ guest }) => ({ guest: { ...guest, state: 'disks' } }),
      'Test.create': fail('out of memory'),
      'Test.delete': fail('there is no such guest'),
      'Test.NoDisks': ({ guest }) => ({ guest: { ...guest, disks: [], vnc: 0 } }),
    },
  });
  const { id, job } = await create(agent);
  t.is(job.Message, 'test: out of memory');
  t.deepEqual(
    agent.scripted.calls.map(({ method, request }) => `${method} ${request.action}`),
    ['Test.Disks create', 'Test.create create', 'Test.delete delete', 'Test.NoDisks delete'],
  );
  t.is(agent.context.guests.get(id).state, 'error');
});

test('sets state error without a delete action, too', async (t) => {
  const agent = await startTestAgent(t, {
    actions: { delete: undefined },
    methods: { 'Test.create': fail('no') },
  });
  const { id } = await create(agent);
  t.is(agent.context.guests.get(id).state, 'error');
});

test('allows a guest whose create failed to be deleted, and its id to be reused', async (t) => {
  let broken = true;
  const agent = await startTestAgent(t, {
    methods: { 'Test.create': ({ guest }) => (broken ? fail('no')() : { guest }) },
  });
  const { context } = agent;
  const { id } = await create(agent);
  const { headers } = await deleteGuest(event({ params: { guestID: id } }), context);
  t.is((await finished(context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.is(context.guests.find(id), undefined);
  broken = false;
  const again = await createGuest(event({ payload: { id } }), context);
  t.is((await finished(context, again.headers?.['X-Guest-Job-ID'])).Status, 'Complete');
});

test('recreates a guest under its id after a failed create, with the new definition', async (t) => {
  let broken = true;
  const agent = await startTestAgent(t, {
    methods: { 'Test.create': ({ guest }) => (broken ? fail('no')() : { guest }) },
  });
  const { context } = agent;
  const { id } = await create(agent);
  const dry = await createGuest(event({ payload: { id, cpu: 2 }, query: { dryRun: true } }), context);
  t.is(dry.status, 200);
  t.is(context.guests.get(id).state, 'error');
  const still = await createGuest(event({ payload: { id, cpu: 2 } }), context);
  t.like(await finished(context, still.headers?.['X-Guest-Job-ID']), { Status: 'Error' });
  broken = false;
  const again = await createGuest(event({ payload: { id, cpu: 3 } }), context);
  t.deepEqual(again.body, { id, state: 'create', cpu: 3 });
  t.is((await finished(context, again.headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.deepEqual(context.guests.get(id), { id, state: 'unknown', cpu: 3 });
  const taken = createGuest(event({ payload: { id } }), context);
  await t.throwsAsync(taken, { message: /already exists/ });
});

test('does not create a guest again while its failed create is being cleaned up', async (t) => {
  let cleaned = (): void => undefined;
  const clean = new Promise<void>((resolve) => {
    cleaned = resolve;
  });
  const agent = await startTestAgent(t, {
    actions: { ...actions, create: [{ method: 'Test.create' }] },
    methods: {
      'Test.create': fail('no such bridge: br7'),
      'Test.delete': ({ guest }) => ({ guest }),
      'Test.NoDisks': async ({ guest }) => {
        await clean;
        return { guest };
      },
    },
  });
  const { id, job } = await createUntil(agent, 'Test.NoDisks');
  const again = () => createGuest(event({ payload: { id } }), agent.context);
  await t.throwsAsync(again, { message: /already exists/ });
  cleaned();
  await finished(agent.context, job);
  const { headers } = await deleteGuest(event({ params: { guestID: id } }), agent.context);
  t.is((await finished(agent.context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.is((await again()).status, 202);
});

test('stores no guest when create is not configured', async (t) => {
  const agent = await startTestAgent(t, { actions: { create: undefined } });
  const creation = createGuest(event({ payload: {} }), agent.context);
  t.like(await t.throwsAsync(creation), { kind: 'not_found', message: 'create: Not configured' });
  t.deepEqual(agent.context.guests.list(), []);
});

test('stores nothing from a malformed response to a create', async (t) => {
  const agent = await startTestAgent(t, {
    methods: { 'Test.create': () => ({ guest: { id: '11111111-2222-4333-8444-555555555555' } }) },
  });
  const { id, job } = await create(agent);
  t.is(job.Status, 'Error');
  t.deepEqual(
    agent.context.guests.list().map((guest) => [guest.id, guest.state]),
    [[id, 'error']],
  );
});

const hang = (): Promise<never> => new Promise(() => {});

/** Creates a guest and waits until a method has been called for it. */
const createUntil = async ({ context, scripted }: TestAgent, method: string) => {
  const { headers, body } = await createGuest(event({ payload: { memory: 64 } }), context);
  await until(`${method} is called`, () => scripted.requests(method).length === 1);
  return { id: body.id, job: headers?.['X-Guest-Job-ID'] ?? '' };
};

test('ends a cancelled create soon, even when its clean-up hangs', async (t) => {
  const agent = await startTestAgent(t, {
    actions,
    methods: {
      'Test.Disks': ({ guest }) => ({ guest }),
      'Test.create': hang,
      'Test.delete': hang,
      'Test.NoDisks': ({ guest }) => ({ guest }),
    },
  });
  const { id, job } = await createUntil(agent, 'Test.create');
  const cancelled = cancelJob(event({ params: { jobID: job }, query: {} }), agent.context);
  t.like(await finished(agent.context, job), { Status: 'Error', Message: 'cancelled' });
  t.like(await cancelled, { body: { ID: job, Status: 'Error' } });
  t.is(agent.context.guests.get(id).state, 'error');
  t.is(agent.scripted.requests('Test.NoDisks').length, 1, 'the other clean-up stage runs');
});

test('leaves the clean-up of a create to the delete that preempted it', async (t) => {
  const agent = await startTestAgent(t, { methods: { 'Test.create': hang } });
  const { id, job } = await createUntil(agent, 'Test.create');
  const { headers } = await deleteGuest(event({ params: { guestID: id } }), agent.context);
  t.is((await finished(agent.context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.like(agent.context.jobs.get(job), { Status: 'Error', Message: 'superseded by delete' });
  t.is(agent.scripted.requests('Test.delete').length, 1);
});

test('does not delay a delete by the clean-up of a create', async (t) => {
  let hung = false;
  const agent = await startTestAgent(t, {
    methods: {
      'Test.create': fail('no such bridge: br7'),
      'Test.delete': ({ guest }) => {
        if (hung) return { guest };
        hung = true;
        return hang();
      },
    },
  });
  const { id, job } = await createUntil(agent, 'Test.delete');
  const { headers } = await deleteGuest(event({ params: { guestID: id } }), agent.context);
  t.is((await finished(agent.context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.like(agent.context.jobs.get(job), { Status: 'Error', Message: 'test: no such bridge: br7' });
});
