import { randomUUID } from 'node:crypto';
import test from 'ava';
import { deleteGuest } from '../../../../handlers/guests/delete.js';
import { addGuest, event, finished, jobIdOf, rejection, startTestAgent } from '../../../helpers/agent.js';

test('queues the deletion and replies with the guest as it is', async (t) => {
  const { context } = await startTestAgent(t);
  const guest = await addGuest(context);
  const reply = await deleteGuest(event({ params: { guestID: guest.id } }), context);
  t.like(reply, { status: 202, body: guest });
  t.like(await finished(context, jobIdOf(reply)), { Action: 'delete', Status: 'Complete' });
  t.deepEqual(context.guests.list(), []);
});

test('rejects an unknown guest with 404', async (t) => {
  const { context } = await startTestAgent(t);
  const guestID = randomUUID();
  t.like(await rejection(t, deleteGuest(event({ params: { guestID } }), context)), {
    code: 404,
    message: `guest ${guestID}: not found`,
  });
});

test('rejects with 412 a guest that has changed since the client read it', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context);
  const call = deleteGuest(event({ params: { guestID: id }, ifMatch: '"stale"' }), context);
  t.is((await rejection(t, call)).code, 412);
  t.is(context.jobs.list().length, 0);
});
