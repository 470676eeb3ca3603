import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { startGuest } from '../../../../handlers/guests/start.js';
import { cancelJob } from '../../../../handlers/jobs/cancel.js';
import { addGuest, event, jobIdOf, rejection, startTestAgent } from '../../../helpers/agent.js';

/** An agent whose `start` never ends by itself, with one such job. */
const startHanging = async (t: ExecutionContext) => {
  const { context } = await startTestAgent(t, { methods: { 'Test.start': () => new Promise(() => {}) } });
  const { id } = await addGuest(context);
  const jobID = jobIdOf(await startGuest(event({ params: { guestID: id } }), context));
  return { context, params: { jobID } };
};

test('cancels a running job and replies with it as it ended', async (t) => {
  const { context, params } = await startHanging(t);
  const { status, body } = await cancelJob(event({ params }), context);
  t.is(status, 200);
  t.like(body, { ID: params.jobID, Status: 'Error', Message: 'cancelled' });
});

test('a dry run replies with the job and leaves it running', async (t) => {
  const { context, params } = await startHanging(t);
  const { body } = await cancelJob(event({ params, query: { dryRun: true } }), context);
  t.not(body.Status, 'Error');
  t.not(context.jobs.get(params.jobID).Status, 'Error');
});

test('rejects with 409 a job that has ended, also in a dry run', async (t) => {
  const { context, params } = await startHanging(t);
  await cancelJob(event({ params }), context);
  for (const dryRun of [false, true])
    t.like(await rejection(t, cancelJob(event({ params, query: { dryRun } }), context)), {
      code: 409,
      message: `job ${params.jobID} has already ended: its status is Error`,
    });
});

test('rejects an unknown job with 404', async (t) => {
  const { context } = await startTestAgent(t);
  const call = cancelJob(event({ params: { jobID: randomUUID() } }), context);
  t.is((await rejection(t, call)).code, 404);
});
