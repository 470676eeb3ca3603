import test, { type ExecutionContext } from 'ava';
import { startGuest } from '../../../../handlers/guests/start.js';
import type { Context } from '../../../../lib/agent/context.js';
import { GuestStates } from '../../../../lib/rpc/server/guest-states.js';
import { addGuest, event, finished, startTestAgent } from '../../../helpers/agent.js';
import { serveRaw } from '../../../helpers/raw-service.js';
import { startScripted } from '../../../helpers/scripted.js';
import { gate, until } from '../../../helpers/wait.js';

const isState = (context: Context, id: string, state: string): Promise<unknown> =>
  until(`guest is ${state}`, () => context.guests.get(id).state === state);

const watched = async (t: ExecutionContext, guest = {}) => {
  const guestStates = new GuestStates();
  const agent = await startTestAgent(t, { guestStates });
  const { id } = await addGuest(agent.context, guest);
  return { ...agent, guestStates, id };
};

test('stores streamed states, with the VNC port when there is one', async (t) => {
  const { context, guestStates, id } = await watched(t, { state: 'shutoff', memory: 64 });
  guestStates.set(id, 'running', 5901);
  await isState(context, id, 'running');
  t.deepEqual(context.guests.get(id), { id, state: 'running', memory: 64, vnc: 5901 });
  guestStates.set(id, 'crashed');
  await isState(context, id, 'crashed');
  t.deepEqual(context.guests.get(id), { id, state: 'crashed', memory: 64 });
});

test('knows the true states when the agent has started', async (t) => {
  const first = await startTestAgent(t);
  const guest = await addGuest(first.context, { state: 'running' });
  await first.stop();
  const guestStates = new GuestStates();
  guestStates.set(guest.id, 'shutoff');
  const second = await startTestAgent(t, { guestStates, dbpath: first.dbpath });
  t.is(second.context.guests.get(guest.id).state, 'shutoff');
});

test('marks a guest unknown while its sub-agent is down', async (t) => {
  const { context, guestStates, id, scripted } = await watched(t);
  guestStates.set(id, 'paused');
  await isState(context, id, 'paused');
  await scripted.subAgent.close();
  await isState(context, id, 'unknown');
  await startScripted(t, { guestStates, address: scripted.address });
  await isState(context, id, 'paused');
  t.pass();
});

test('treats a sub-agent whose connection is reset as down', async (t) => {
  const broken = gate();
  let id = '';
  const port = await serveRaw(t, (_request, response) => {
    response.write(`${JSON.stringify({ guests: [{ id, state: 'running', vnc: 0, revision: 1 }] })}\n`);
    void broken.opened.then(() => response.socket?.resetAndDestroy());
  });
  const agent = await startTestAgent(t);
  ({ id } = await addGuest(agent.context, { state: 'shutoff' }));
  await agent.stop();
  const second = await startTestAgent(t, { dbpath: agent.dbpath, services: { raw: { port } } });
  t.is(second.context.guests.get(id).state, 'running');
  broken.open();
  await isState(second.context, id, 'unknown');
});

test('ignores streamed states of guests in state create or error', async (t) => {
  const { context, guestStates, id: known, scripted } = await watched(t, { state: 'shutoff' });
  const creating = await addGuest(context, { state: 'create' });
  const failed = await addGuest(context, { state: 'error' });
  for (const { id } of [creating, failed]) guestStates.set(id, 'running');
  guestStates.set(known, 'running');
  await isState(context, known, 'running');
  await scripted.subAgent.close();
  await isState(context, known, 'unknown');
  t.is(context.guests.get(creating.id).state, 'create');
  t.is(context.guests.get(failed.id).state, 'error');
});

test('ignores guests that the agent does not know', async (t) => {
  const { context, guestStates, id } = await watched(t);
  guestStates.set('11111111-2222-4333-8444-555555555555', 'running');
  guestStates.set(id, 'paused');
  await isState(context, id, 'paused');
  t.is(context.guests.list().length, 1);
});

test('ignores the older of two states, whether streamed or in a response', async (t) => {
  const guestStates = new GuestStates();
  const { opened, open } = gate();
  const { context, scripted } = await startTestAgent(t, {
    guestStates,
    methods: {
      'Test.start': async ({ guest }) => {
        const { state, revision } = guestStates.set(guest.id, 'running');
        await opened;
        return { guest: { ...guest, state, vnc: 5901, memory: 128 }, revision };
      },
    },
  });
  const { id } = await addGuest(context, { state: 'shutoff', memory: 64 });
  const { headers } = await startGuest(event({ params: { guestID: id } }), context);
  await until('it runs', () => scripted.calls.length === 1);
  guestStates.set(id, 'crashed');
  await isState(context, id, 'crashed');
  open();
  await finished(context, headers?.['X-Guest-Job-ID']);
  t.deepEqual(context.guests.get(id), { id, state: 'crashed', memory: 128 });
});

test('stores the reason of a state, until the next state comes without one', async (t) => {
  const { context, guestStates, id } = await watched(t, { state: 'running', memory: 64 });
  guestStates.set(id, 'shutoff', 0, 'killed');
  await isState(context, id, 'shutoff');
  t.deepEqual(context.guests.get(id), { id, state: 'shutoff', reason: 'killed', memory: 64 });
  guestStates.set(id, 'running');
  await isState(context, id, 'running');
  t.deepEqual(context.guests.get(id), { id, state: 'running', memory: 64 });
});
