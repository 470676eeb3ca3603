import test from 'ava';
import { createGuest } from '../../../handlers/guests/create.js';
import { guestRequestSchema } from '../../../lib/rpc/protocol/messages.js';
import { SubAgent } from '../../../lib/rpc/server/sub-agent.js';
import { event, finished, startTestAgent } from '../../helpers/agent.js';
import { keepLines } from '../../helpers/log-lines.js';
import { callMethod, GUEST_ID, serve } from '../../helpers/sub-agents.js';

test('every line about a job has its id and its guest, also when it fails and is undone', async (t) => {
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
    ['queued', 'running', 'Test.delete after the failed create', 'failed'],
  );
  for (const line of about) t.like(line, { job: job.ID, guest: body.id });
});

test("a sub-agent's lines about a call have the guest and the job that it is for", async (t) => {
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
