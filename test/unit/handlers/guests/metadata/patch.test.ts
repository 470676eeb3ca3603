import { randomUUID } from 'node:crypto';
import test from 'ava';
import { getGuestMetadata } from '../../../../../handlers/guests/metadata/get.js';
import { patchGuestMetadata } from '../../../../../handlers/guests/metadata/patch.js';
import { addGuest, event, rejection, startTestAgent } from '../../../../helpers/agent.js';

test('sets keys, removes null and empty ones, and keeps the others', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context, { metadata: { owner: 'dev', rack: 'r1', note: 'x' } });
  const payload = { owner: 'ops', rack: null, note: '' };
  const { status, body } = await patchGuestMetadata(event({ params: { guestID: id }, payload }), context);
  t.is(status, 200);
  t.deepEqual(body, { owner: 'ops' });
  t.deepEqual(context.guests.get(id).metadata, { owner: 'ops' });
});

test('adds metadata to a guest without any', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context);
  const { body } = await patchGuestMetadata(
    event({ params: { guestID: id }, payload: { owner: 'ops' } }),
    context,
  );
  t.deepEqual(body, { owner: 'ops' });
});

test('accepts the ETag that a read returned, and rejects it with 412 after the change', async (t) => {
  const { context } = await startTestAgent(t);
  const params = { guestID: (await addGuest(context, { metadata: { owner: 'dev' } })).id };
  const ifMatch = (await getGuestMetadata(event({ params }), context)).headers?.ETag;
  const patch = () => patchGuestMetadata(event({ params, payload: { owner: 'ops' }, ifMatch }), context);
  t.deepEqual((await patch()).body, { owner: 'ops' });
  t.is((await rejection(t, patch())).code, 412);
});

test('a dry run replies with the result and changes nothing', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context, { metadata: { owner: 'dev' } });
  const { body } = await patchGuestMetadata(
    event({ params: { guestID: id }, query: { dryRun: true }, payload: { owner: 'ops' } }),
    context,
  );
  t.deepEqual(body, { owner: 'ops' });
  t.deepEqual(context.guests.get(id).metadata, { owner: 'dev' });
});

test('rejects an unknown guest with 404', async (t) => {
  const { context } = await startTestAgent(t);
  const call = patchGuestMetadata(event({ params: { guestID: randomUUID() }, payload: null }), context);
  t.is((await rejection(t, call)).code, 404);
});
