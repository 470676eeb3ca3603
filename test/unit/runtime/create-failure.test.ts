import test from 'ava';
import { createGuest } from '../../../handlers/guests/create.js';
import { deleteGuest } from '../../../handlers/guests/delete.js';
import { event, finished, startTestAgent, type TestAgent } from '../../helpers/agent.js';

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

test('a failed create leaves its guest in state error, and the reason in the job', async (t) => {
  const agent = await startTestAgent(t, { methods: { 'Test.create': fail('no such bridge: br7') } });
  const { id, job } = await create(agent);
  t.like(job, { Status: 'Error', Message: 'test: no such bridge: br7' });
  t.deepEqual(agent.context.guests.get(id), { id, state: 'error', memory: 64 });
});

test('after a failed create every delete stage runs, also when one of them fails', async (t) => {
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

test('without a delete action a failed create is still only an error', async (t) => {
  const agent = await startTestAgent(t, {
    actions: { delete: undefined },
    methods: { 'Test.create': fail('no') },
  });
  const { id } = await create(agent);
  t.is(agent.context.guests.get(id).state, 'error');
});

test('a guest whose create failed can be deleted, and its id used again', async (t) => {
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

test('a create that is not configured stores no guest', async (t) => {
  const agent = await startTestAgent(t, { actions: { create: undefined } });
  const creation = createGuest(event({ payload: {} }), agent.context);
  t.like(await t.throwsAsync(creation), { kind: 'not_found', message: 'create: Not configured' });
  t.deepEqual(agent.context.guests.list(), []);
});

test('a create that a sub-agent answers with nonsense stores none of it', async (t) => {
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
