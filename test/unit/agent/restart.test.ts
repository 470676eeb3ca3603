import test from 'ava';
import { createGuest } from '../../../handlers/guests/create.js';
import { addGuest, event, finished, startTestAgent } from '../../helpers/agent.js';
import { until } from '../../helpers/wait.js';

test('guests, metadata and the job log are there after a restart', async (t) => {
  const first = await startTestAgent(t);
  await first.context.metadata.patch({ rack: 'r1' });
  const { headers, body } = await createGuest(
    event({ payload: { metadata: { 'a.b': '1' } } }),
    first.context,
  );
  const job = await finished(first.context, headers?.['X-Guest-Job-ID']);
  await first.stop();
  const { context } = await startTestAgent(t, { dbpath: first.dbpath });
  t.deepEqual(context.metadata.all(), { rack: 'r1' });
  t.deepEqual(context.guests.list(), [{ id: body.id, state: 'running', metadata: { 'a.b': '1' } }]);
  t.deepEqual(context.jobs.list(), [job]);
});

test('a guest whose creation a crash interrupted is in state error, what was made of it taken away', async (t) => {
  const first = await startTestAgent(t);
  const { id } = await addGuest(first.context, { state: 'create', memory: 64 });
  await first.stop();
  const { context, scripted } = await startTestAgent(t, { dbpath: first.dbpath });
  await until('it is settled', () => context.guests.get(id).state === 'error');
  t.deepEqual(context.guests.get(id), { id, state: 'error', memory: 64 });
  t.deepEqual(
    scripted.calls.map(({ method, request }) => [method, request.guest.id]),
    [['Test.delete', id]],
  );
});
