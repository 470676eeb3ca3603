import test from 'ava';
import { getGuestHistory } from '../../handlers/guests/history.js';
import { getHostHistory } from '../../handlers/host/history.js';
import { addGuest, event, startTestAgent } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

test('a guest that was never measured has a history without points', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context);
  const request = event({ params: { guestID: id }, query: { range: 'day' as const } });
  t.deepEqual((await getGuestHistory(request, context)).body, { range: 'day', step: 600, points: [] });
});

test('the history of an unknown guest is not found', async (t) => {
  const { context } = await startTestAgent(t);
  const params = { guestID: '6f0e2f0c-9d5c-4f5e-8a52-0c6d5b0f7c11' };
  await t.throwsAsync(getGuestHistory(event({ params, query: { range: 'hour' as const } }), context), {
    message: /not found/,
  });
});

test('the history of the host covers the hour by default, and rejects another range', async (t) => {
  const { url, context } = await serveApi(t);
  const { body } = await getHostHistory(event({ query: { range: 'month' as const } }), context);
  t.is(body.step, 3600);
  const response = await fetch(`${url}/host/history`);
  t.is(((await response.json()) as { range: string }).range, 'hour');
  t.is((await fetch(`${url}/host/history?range=year`)).status, 400);
});
