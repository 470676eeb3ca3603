import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Guests } from '../../../../../lib/subagents/qemu/guests/guests.js';
import { create, run } from '../../../../../lib/subagents/qemu/guests/lifecycle.js';
import { DEFINITION, playQemu } from '../../../../helpers/played-qemu.js';
import { send } from '../../../../helpers/qmp-server.js';
import { GUEST_ID } from '../../../../helpers/sub-agents.js';
import { until } from '../../../../helpers/wait.js';

/** A guest that has shut down, whose QEMU ends only after somebody asked how it is. */
const endingGuest = async (t: ExecutionContext): Promise<Guests> => {
  let monitor: Socket | undefined;
  let shutDown = false;
  const played = await playQemu(t, {
    'query-status': (socket) => {
      monitor = socket;
      if (shutDown) setImmediate(() => played.process.kill('SIGKILL'));
      return { status: shutDown ? 'shutdown' : 'running' };
    },
  });
  shutDown = true;
  if (monitor) send(monitor, { event: 'SHUTDOWN' });
  await until('it is shut down', () => played.guests.states.get(GUEST_ID)?.state === 'shutdown');
  return played.guests;
};

// That there is no QEMU to start shows that a start was tried.

test('a guest whose QEMU is just ending is started anew by a run', async (t) => {
  const guests = await endingGuest(t);
  await t.throwsAsync(run(guests, GUEST_ID), { message: /not installed/ });
});

test('a guest whose QEMU is just ending is not created already', async (t) => {
  const guests = await endingGuest(t);
  await t.throwsAsync(create(guests, DEFINITION), { message: /not installed/ });
});
