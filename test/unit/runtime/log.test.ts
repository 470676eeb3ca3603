import test from 'ava';
import { createGuest } from '../../../handlers/guests/create.js';
import { guestRequestSchema } from '../../../lib/rpc/protocol/guest-messages.js';
import { SubAgent } from '../../../lib/rpc/server/sub-agent.js';
import { event, finished, startTestAgent } from '../../helpers/agent.js';
import { keepLines } from '../../helpers/log-lines.js';
import { callMethod, GUEST_ID, serve } from '../../helpers/sub-agents.js';

test('logs the id and the guest of a job in every line about it, also during clean-up', async (t) => {
  const { log, lines } = keepLines();
  const fail = (): never => {
    throw new Error('no');
  };
  const agent = await startTestAgent(t, {
    log,
    methods: { 'Test.create': fail, 'Test.delete': fail },
  });
  const { headers, body } = await createGuest(event({ payload: { memory: 64 } }), agent.context);
  const job = await finished(agent.context, headers?.['X-Guest-Job-ID']);
  const about = lines.filter(({ job: id, guest }) => id !== undefined || guest !== undefined);
  t.deepEqual(
    about.map(({ msg }) => String(msg).split(':')[0]),
    ['job queued', 'job started', 'Test.delete failed while cleaning up a failed create', 'job failed'],
  );
  for (const line of about) t.like(line, { job: job.ID, guest: body.id });
});

test("logs a call's guest and job in the sub-agent's lines about it", async (t) => {
  const { log, lines } = keepLines();
  const subAgent = new SubAgent({ name: 'greeter', log }).method(
    'Greeter.Greet',
    guestRequestSchema,
    ({ guest }, call) => {
      call.log.info('greeting');
      return { guest };
    },
  );
  const port = await serve(t, subAgent);
  const request = { guest: { id: GUEST_ID }, action: 'greet' };
  await callMethod(port, 'Greeter.Greet', request, { job: 'a-job', stage: 0, attempt: 1 });
  const line = lines.find(({ msg }) => msg === 'greeting');
  t.like(line, { guest: GUEST_ID, job: 'a-job', method: 'Greeter.Greet' });
});
