import test from 'ava';
import { createGuest } from '../../../../handlers/guests/create.js';
import { addGuest, event, finished, jobIdOf, rejection, startTestAgent } from '../../../helpers/agent.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';

test('stores the guest, queues its creation and replies with 202', async (t) => {
  const { context } = await startTestAgent(t);
  const reply = await createGuest(event({ payload: { memory: 64 } }), context);
  t.is(reply.status, 202);
  t.like(reply.body, { memory: 64, state: 'create' });
  t.is(reply.guest, reply.body.id);
  t.like(await finished(context, jobIdOf(reply)), { GuestID: reply.body.id, Status: 'Complete' });
  t.is(context.guests.get(reply.body.id).state, 'running');
});

for (const type of ['kvm', 'container'] as const)
  test(`leaves a new guest of type ${type} off when the client wants that`, async (t) => {
    const { context, scripted } = await startTestAgent(t);
    const reply = await createGuest(
      event({ payload: { type, image: 'i' }, query: { start: false } }),
      context,
    );
    const action = type === 'container' ? 'containerDefine' : 'define';
    t.like(await finished(context, jobIdOf(reply)), { Action: action, Status: 'Complete' });
    t.is(context.guests.get(reply.body.id).state, 'shutoff');
    t.deepEqual(
      scripted.calls.map(({ method }) => method).filter((method) => /create$/i.test(method)),
      [],
    );
  });

test('keeps the id that the client chose', async (t) => {
  const { context } = await startTestAgent(t);
  t.is((await createGuest(event({ payload: { id: ID } }), context)).body.id, ID);
});

test('creates an empty guest from a null body', async (t) => {
  const { context } = await startTestAgent(t);
  const { body } = await createGuest(event({ payload: null }), context);
  t.deepEqual(Object.keys(body), ['id', 'state']);
});

test('a dry run replies with the guest and stores nothing', async (t) => {
  const { context } = await startTestAgent(t);
  const reply = await createGuest(event({ payload: { cpu: 2 }, query: { dryRun: true } }), context);
  t.like(reply, { status: 200, body: { cpu: 2 } });
  t.is(jobIdOf(reply), '');
  t.deepEqual(context.guests.list(), []);
});

test('rejects with 409 an id that is taken', async (t) => {
  const { context } = await startTestAgent(t);
  await addGuest(context, { id: ID });
  t.like(await rejection(t, createGuest(event({ payload: { id: ID } }), context)), {
    code: 409,
    message: `guest ${ID} already exists: choose another id or leave it out`,
  });
});

test('rejects with 404 an image that is not on the host', async (t) => {
  const { context } = await startTestAgent(t, { methods: { 'Test.getImage': () => ({ images: [] }) } });
  t.like(await rejection(t, createGuest(event({ payload: { image: 'debian-12' } }), context)), {
    code: 404,
    message: 'image debian-12 is not on this host: fetch it first',
  });
});

test('rejects with 400 metadata that is too large', async (t) => {
  const { context } = await startTestAgent(t);
  const metadata = { note: 'x'.repeat(300_000) };
  t.is((await rejection(t, createGuest(event({ payload: { metadata } }), context))).code, 400);
});
