import test from 'ava';
import { openSerialConsole } from '../../../../../handlers/guests/console/serial.js';
import { addGuest, event, jobIdOf, rejection, startTestAgent } from '../../../../helpers/agent.js';

test('replies with 101 and the console, and passes the scrollback on', async (t) => {
  const { context, scripted } = await startTestAgent(t);
  const { id } = await addGuest(context);
  const query = { scrollback: 4096 };
  const reply = await openSerialConsole(event({ params: { guestID: id }, query }), context);
  t.is(reply.status, 101);
  t.truthy(jobIdOf(reply));
  t.true(reply.body.writable);
  t.like(scripted.consoles, [{ guest: id, scrollback: 4096 }]);
  reply.body.destroy();
});

test('rejects with 404 a console that is not configured', async (t) => {
  const { context } = await startTestAgent(t, { actions: { serialConsole: undefined } });
  const { id } = await addGuest(context);
  const call = openSerialConsole(event({ params: { guestID: id }, query: { scrollback: 0 } }), context);
  t.like(await rejection(t, call), { code: 404, message: 'serialConsole: Not configured' });
});
