import test from 'ava';
import { listSnapshots } from '../../../../../handlers/guests/snapshots/list.js';
import { addGuest, event, startTestAgent } from '../../../../helpers/agent.js';

const snapshots = ['c', 'a', 'b'].map((name) => ({ id: `guests/x/disk-0@${name}`, size: 8 }));

test("keeps the sub-agent's order in an unpaged list", async (t) => {
  const { context } = await startTestAgent(t, { methods: { 'Test.listSnapshots': () => ({ snapshots }) } });
  const { id } = await addGuest(context);
  const { body } = await listSnapshots(event({ params: { guestID: id } }), context);
  t.deepEqual(body, snapshots);
});

test('sorts a paged list by id and links to the next page', async (t) => {
  const { context } = await startTestAgent(t, { methods: { 'Test.listSnapshots': () => ({ snapshots }) } });
  const params = { guestID: (await addGuest(context)).id };
  const first = await listSnapshots(event({ params, query: { limit: 2, fields: ['id'] } }), context);
  t.deepEqual(first.body as object[], [{ id: 'guests/x/disk-0@a' }, { id: 'guests/x/disk-0@b' }]);
  const query = { limit: 2, cursor: first.next ?? '' };
  const second = await listSnapshots(event({ params, query }), context);
  t.like(second, { body: [snapshots[0]], next: undefined });
});
