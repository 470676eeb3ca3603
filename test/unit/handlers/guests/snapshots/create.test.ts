import { randomUUID } from 'node:crypto';
import test from 'ava';
import { createSnapshot } from '../../../../../handlers/guests/snapshots/create.js';
import { addGuest, event, finished, jobIdOf, rejection, startTestAgent } from '../../../../helpers/agent.js';

test('queues the snapshot of all disks and replies with an empty list', async (t) => {
  const { context, scripted } = await startTestAgent(t);
  const { id } = await addGuest(context);
  const reply = await createSnapshot(
    event({ params: { guestID: id }, payload: { dest: 'monday' } }),
    context,
  );
  t.like(reply, { status: 202, body: [] });
  t.is((await finished(context, jobIdOf(reply))).Status, 'Complete');
  t.like(scripted.requests('Test.createSnapshot')[0], {
    id: `guests/${id}`,
    dest: 'monday',
    recursive: true,
  });
});

test('replies with the snapshots when the client waits', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context);
  const { status, body } = await createSnapshot(
    event({
      params: { guestID: id, diskID: 'vda' },
      query: { wait: 30 },
      payload: { dest: 'monday' },
    }),
    context,
  );
  t.is(status, 200);
  t.like(body, [{ id: `guests/${id}/disk-vda@monday` }]);
});

test('names a snapshot without a name after the time', async (t) => {
  const { context, scripted } = await startTestAgent(t);
  const { id } = await addGuest(context);
  await createSnapshot(event({ params: { guestID: id }, query: { wait: 30 }, payload: null }), context);
  t.regex(scripted.requests('Test.createSnapshot')[0]?.dest ?? '', /^snap-\d{10}$/);
});

test('rejects an unknown guest with 404', async (t) => {
  const { context } = await startTestAgent(t);
  const call = createSnapshot(event({ params: { guestID: randomUUID() }, payload: null }), context);
  t.is((await rejection(t, call)).code, 404);
});
