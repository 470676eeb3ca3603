import test, { type ExecutionContext } from 'ava';
import { getGuestsMetrics } from '../../../../handlers/metrics/guests.js';
import { addGuest, event, startTestAgent } from '../../../helpers/agent.js';
import { METRICS } from '../../../helpers/scripted.js';

/** An agent with two guests, whose sub-agent returns the counters of both. */
const startMeasured = async (t: ExecutionContext) => {
  const ids: string[] = [];
  const { context } = await startTestAgent(t, {
    methods: { 'Test.allMetrics': () => ({ guests: ids.map((guest) => ({ guest, ...METRICS })) }) },
  });
  for (let count = 0; count < 2; count += 1) ids.push((await addGuest(context)).id);
  return { context, ids };
};

test('replies with the counters of all guests', async (t) => {
  const { context, ids } = await startMeasured(t);
  const { status, body } = await getGuestsMetrics(event({}), context);
  t.is(status, 200);
  t.deepEqual(body.map(({ guest }) => guest).sort(), ids.toSorted());
  t.like(body[0], METRICS);
});

test('replies with the counters of the selected guests alone', async (t) => {
  const { context, ids } = await startMeasured(t);
  const { body } = await getGuestsMetrics(event({ query: { guest: ids.slice(1) } }), context);
  t.deepEqual(
    body.map(({ guest }) => guest),
    ids.slice(1),
  );
});
