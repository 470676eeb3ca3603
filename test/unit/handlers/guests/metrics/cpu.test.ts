import { randomUUID } from 'node:crypto';
import test from 'ava';
import { getCpuMetrics } from '../../../../../handlers/guests/metrics/cpu.js';
import { addGuest, event, jobIdOf, rejection, startTestAgent } from '../../../../helpers/agent.js';
import { METRICS } from '../../../../helpers/scripted.js';

test('replies with the counters that the sub-agent returned', async (t) => {
  const { context, scripted } = await startTestAgent(t);
  const { id } = await addGuest(context);
  const reply = await getCpuMetrics(event({ params: { guestID: id } }), context);
  t.like(reply, { status: 200, body: METRICS.cpu });
  t.truthy(jobIdOf(reply));
  t.like(scripted.requests('Test.cpuMetrics')[0], { guest: { id }, type: 'cpu' });
});

test('calls the container action for a container', async (t) => {
  const { context, scripted } = await startTestAgent(t);
  const { id } = await addGuest(context, { type: 'container' });
  await getCpuMetrics(event({ params: { guestID: id } }), context);
  t.is(scripted.requests('Test.containerCpuMetrics').length, 1);
});

test('rejects an unknown guest with 404', async (t) => {
  const { context } = await startTestAgent(t);
  const call = getCpuMetrics(event({ params: { guestID: randomUUID() } }), context);
  t.is((await rejection(t, call)).code, 404);
});
