import test from 'ava';
import { startGuest } from '../../../handlers/guests/start.js';
import { addGuest, event, finished, jobIdOf, rejection, startTestAgent } from '../../helpers/agent.js';
import { gate } from '../../helpers/wait.js';

const idempotency = { key: 'local 8e03978e', fingerprint: 'one' };

test('submits a request only once when it is repeated under its key', async (t) => {
  const { context } = await startTestAgent(t);
  const params = { guestID: (await addGuest(context)).id };
  const first = await startGuest(event({ params, idempotency }), context);
  const second = await startGuest(event({ params, idempotency }), context);
  t.is(jobIdOf(second), jobIdOf(first));
  t.is(context.jobs.list().length, 1);
});

test('rejects a different request under the same key with 409', async (t) => {
  const { context } = await startTestAgent(t);
  const params = { guestID: (await addGuest(context)).id };
  await startGuest(event({ params, idempotency }), context);
  const other = { ...idempotency, fingerprint: 'two' };
  t.is((await rejection(t, startGuest(event({ params, idempotency: other }), context))).code, 409);
});

test('replies with 202 when the job outlasts the wait', async (t) => {
  const { opened, open } = gate();
  const { context } = await startTestAgent(t, {
    methods: {
      'Test.start': async ({ guest }) => {
        await opened;
        return { guest };
      },
    },
  });
  const params = { guestID: (await addGuest(context)).id };
  const reply = await startGuest(event({ params, query: { wait: 0.05 } }), context);
  t.is(reply.status, 202);
  open();
  t.is((await finished(context, jobIdOf(reply))).Status, 'Complete');
});
