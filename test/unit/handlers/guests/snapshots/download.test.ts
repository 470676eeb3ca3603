import { text } from 'node:stream/consumers';
import test from 'ava';
import { downloadSnapshot } from '../../../../../handlers/guests/snapshots/download.js';
import { addGuest, event, jobIdOf, rejection, startTestAgent } from '../../../../helpers/agent.js';

test("streams the sub-agent's bytes with their length", async (t) => {
  const { context, scripted } = await startTestAgent(t, { downloadLength: 21 });
  const { id } = await addGuest(context);
  const params = { guestID: id, diskID: 'vda', name: 'monday' };
  const reply = await downloadSnapshot(event({ params }), context);
  t.is(reply.status, 200);
  t.like(reply.headers, { 'Content-Type': 'application/octet-stream', 'Content-Length': '21' });
  t.truthy(jobIdOf(reply));
  t.is(await text(reply.body), 'the bytes of the disk');
  t.like(scripted.requests('/download')[0], { id: `guests/${id}/disk-vda@monday` });
});

test('rejects an unknown guest with 404', async (t) => {
  const { context } = await startTestAgent(t);
  const params = { guestID: crypto.randomUUID(), name: 'monday' };
  t.is((await rejection(t, downloadSnapshot(event({ params }), context))).code, 404);
});
