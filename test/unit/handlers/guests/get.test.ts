import { randomUUID } from 'node:crypto';
import test from 'ava';
import { getGuest } from '../../../../handlers/guests/get.js';
import { addGuest, event, rejection, startTestAgent } from '../../../helpers/agent.js';

test('replies with the guest and its ETag', async (t) => {
  const { context } = await startTestAgent(t);
  const guest = await addGuest(context, { memory: 64 });
  const { status, headers, body } = await getGuest(event({ params: { guestID: guest.id } }), context);
  t.is(status, 200);
  t.deepEqual(body, guest);
  t.regex(headers?.ETag ?? '', /^"[\w-]{22}"$/);
});

test('rejects an unknown guest with 404', async (t) => {
  const { context } = await startTestAgent(t);
  const call = getGuest(event({ params: { guestID: randomUUID() } }), context);
  t.is((await rejection(t, call)).code, 404);
});
