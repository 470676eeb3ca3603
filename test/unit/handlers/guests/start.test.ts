import test from 'ava';
import { startGuest } from '../../../../handlers/guests/start.js';
import { addGuest, event, finished, jobIdOf, rejection, startTestAgent } from '../../../helpers/agent.js';

test('replies with the guest as it is, then runs the action', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context, { state: 'shutoff' });
  const reply = await startGuest(event({ params: { guestID: id } }), context);
  t.like(reply, { status: 202, body: { id, state: 'shutoff' } });
  await finished(context, jobIdOf(reply));
  t.is(context.guests.get(id).state, 'running');
});

test('replies with the guest after the action when the client waits', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context, { state: 'shutoff' });
  const reply = await startGuest(event({ params: { guestID: id }, query: { wait: 30 } }), context);
  t.like(reply, { status: 200, body: { id, state: 'running' } });
});

test('fails like the action while the client waits', async (t) => {
  const { context } = await startTestAgent(t, {
    methods: {
      'Test.start': () => {
        throw new Error('no more memory');
      },
    },
  });
  const { id } = await addGuest(context, { state: 'shutoff' });
  const call = startGuest(event({ params: { guestID: id }, query: { wait: 30 } }), context);
  t.like(await rejection(t, call), { code: 502, message: 'test: no more memory' });
});

test('rejects with 404 an action that is not configured', async (t) => {
  const { context } = await startTestAgent(t, { actions: { start: undefined } });
  const { id } = await addGuest(context);
  t.like(await rejection(t, startGuest(event({ params: { guestID: id } }), context)), {
    code: 404,
    message: 'start: Not configured',
  });
});

test('rejects actions with 503 while the agent is stopping', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context);
  await context.runtime.queue.drain(0);
  t.is((await rejection(t, startGuest(event({ params: { guestID: id } }), context))).code, 503);
});
