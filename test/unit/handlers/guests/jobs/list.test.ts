import { randomUUID } from 'node:crypto';
import test from 'ava';
import { deleteGuest } from '../../../../../handlers/guests/delete.js';
import { getGuestJob } from '../../../../../handlers/guests/jobs/get.js';
import { listGuestJobs } from '../../../../../handlers/guests/jobs/list.js';
import { startGuest } from '../../../../../handlers/guests/start.js';
import { addGuest, event, jobIdOf, rejection, startTestAgent } from '../../../../helpers/agent.js';

test("lists one guest's jobs, newest first", async (t) => {
  const { context } = await startTestAgent(t);
  const params = { guestID: (await addGuest(context)).id };
  const other = { guestID: (await addGuest(context)).id };
  const first = jobIdOf(await startGuest(event({ params, query: { wait: 30 } }), context));
  const second = jobIdOf(await startGuest(event({ params, query: { wait: 30 } }), context));
  await startGuest(event({ params: other, query: { wait: 30 } }), context);
  const { body } = await listGuestJobs(event({ params }), context);
  t.deepEqual(
    body.map(({ ID }) => ID),
    [second, first],
  );
});

test('still lists the jobs of a deleted guest', async (t) => {
  const { context } = await startTestAgent(t);
  const params = { guestID: (await addGuest(context)).id };
  await deleteGuest(event({ params, query: { wait: 30 } }), context);
  const { body } = await listGuestJobs(event({ params }), context);
  t.like(body, [{ Action: 'delete', Status: 'Complete' }]);
});

test('rejects with 404 a guest that never existed', async (t) => {
  const { context } = await startTestAgent(t);
  const call = listGuestJobs(event({ params: { guestID: randomUUID() } }), context);
  t.is((await rejection(t, call)).code, 404);
});

test("rejects another guest's job with 404", async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context);
  const other = await addGuest(context);
  const jobID = jobIdOf(await startGuest(event({ params: { guestID: id } }), context));
  t.is((await getGuestJob(event({ params: { guestID: id, jobID } }), context)).body.ID, jobID);
  const call = getGuestJob(event({ params: { guestID: other.id, jobID } }), context);
  t.is((await rejection(t, call)).code, 404);
});
