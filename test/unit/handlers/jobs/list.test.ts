import test from 'ava';
import { listJobs } from '../../../../handlers/jobs/list.js';
import type { ListQuery } from '../../../../lib/model/endpoint.js';
import { event, rejection, startTestAgent } from '../../../helpers/agent.js';

const task = { kind: 'guest', name: 'start' } as const;

test('lists jobs newest first, page by page', async (t) => {
  const { context } = await startTestAgent(t);
  const added: string[] = [];
  for (const guest of ['a', 'b', 'c']) added.push((await context.jobs.add(guest, 'start', task)).ID);
  const first = await listJobs(event({ query: { limit: 2 } }), context);
  t.deepEqual(
    first.body.map(({ ID }) => ID),
    [added[2], added[1]] as string[],
  );
  const query: ListQuery = { limit: 2, cursor: first.next ?? '' };
  const second = await listJobs(event({ query }), context);
  t.deepEqual(
    second.body.map(({ ID }) => ID),
    [added[0]] as string[],
  );
  t.is(second.next, undefined);
});

test('returns only the selected fields', async (t) => {
  const { context } = await startTestAgent(t);
  await context.jobs.add('a', 'start', task);
  const { body } = await listJobs(event({ query: { fields: ['GuestID', 'Status'] } }), context);
  t.deepEqual(body as object[], [{ GuestID: 'a', Status: 'Queued' }]);
});

test('rejects with 400 a cursor that no list returned', async (t) => {
  const { context } = await startTestAgent(t);
  const call = listJobs(event({ query: { cursor: 'made-up' } }), context);
  t.is((await rejection(t, call)).code, 400);
});
