import test from 'ava';
import { listGuests } from '../../../../handlers/guests/list.js';
import type { ListQuery } from '../../../../lib/model/endpoint.js';
import { addGuest, event, rejection, startTestAgent } from '../../../helpers/agent.js';

test('lists guests in the order of their creation, page by page', async (t) => {
  const { context } = await startTestAgent(t);
  const created = [await addGuest(context), await addGuest(context), await addGuest(context)];
  const first = await listGuests(event({ query: { limit: 2 } }), context);
  t.deepEqual(first.body, created.slice(0, 2));
  const query: ListQuery = { limit: 2, cursor: first.next ?? '' };
  const second = await listGuests(event({ query }), context);
  t.deepEqual(second.body, created.slice(2));
  t.is(second.next, undefined);
});

test('returns only the selected fields', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context, { memory: 64, cpu: 1 });
  const { body } = await listGuests(event({ query: { fields: ['id', 'cpu'] } }), context);
  t.deepEqual(body, [{ id, cpu: 1 }]);
});

test('rejects with 400 a cursor that no list returned', async (t) => {
  const { context } = await startTestAgent(t);
  t.like(await rejection(t, listGuests(event({ query: { cursor: 'made-up' } }), context)), {
    code: 400,
    message: '"cursor" is not from this list: leave it out to start from the beginning',
  });
});
