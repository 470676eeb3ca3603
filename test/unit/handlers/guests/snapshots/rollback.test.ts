import test from 'ava';
import { rollbackSnapshot } from '../../../../../handlers/guests/snapshots/rollback.js';
import { addGuest, event, rejection, startTestAgent } from '../../../../helpers/agent.js';

for (const [payload, destroyMoreRecent] of [
  [null, false],
  [{}, false],
  [{ destroyMoreRecent: null }, false],
  [{ destroyMoreRecent: true }, true],
] as const)
  test(`passes destroyMoreRecent ${destroyMoreRecent} on for the body ${JSON.stringify(payload)}`, async (t) => {
    const { context, scripted } = await startTestAgent(t);
    const { id } = await addGuest(context, { state: 'shutoff' });
    const params = { guestID: id, name: 'monday' };
    const { status } = await rollbackSnapshot(event({ params, query: { wait: 30 }, payload }), context);
    t.is(status, 200);
    t.like(scripted.requests('Test.rollbackSnapshot')[0], { id: `guests/${id}@monday`, destroyMoreRecent });
  });

test("passes on the sub-agent's refusal while the client waits", async (t) => {
  const { context } = await startTestAgent(t, {
    methods: {
      'Test.rollbackSnapshot': () => {
        throw new Error('tuesday is newer');
      },
    },
  });
  const params = { guestID: (await addGuest(context, { state: 'shutoff' })).id, name: 'monday' };
  const call = rollbackSnapshot(event({ params, query: { wait: 30 }, payload: null }), context);
  t.like(await rejection(t, call), { code: 502, message: 'test: tuesday is newer' });
});

test('rejects a running guest with 409', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context, { state: 'running' });
  const call = rollbackSnapshot(event({ params: { guestID: id, name: 'monday' }, payload: null }), context);
  t.is((await rejection(t, call)).code, 409);
});
