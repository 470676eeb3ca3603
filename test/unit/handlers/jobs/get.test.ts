import { randomUUID } from 'node:crypto';
import test from 'ava';
import { getJob } from '../../../../handlers/jobs/get.js';
import { event, rejection, startTestAgent } from '../../../helpers/agent.js';

test('replies with the job', async (t) => {
  const { context } = await startTestAgent(t);
  const job = await context.jobs.add('a', 'start', { kind: 'guest', name: 'start' });
  t.deepEqual(await getJob(event({ params: { jobID: job.ID } }), context), { status: 200, body: job });
});

test('rejects an unknown job with 404', async (t) => {
  const { context } = await startTestAgent(t);
  const jobID = randomUUID();
  t.like(await rejection(t, getJob(event({ params: { jobID } }), context)), {
    code: 404,
    message: `job ${jobID}: not found`,
  });
});
