import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Guests } from '../../../../../lib/subagents/qemu/guests/guests.js';
import { create, run } from '../../../../../lib/subagents/qemu/guests/lifecycle.js';
import { DEFINITION, fakeQemu } from '../../../../helpers/fake-qemu.js';
import { send } from '../../../../helpers/qmp-server.js';
import { GUEST_ID } from '../../../../helpers/sub-agents.js';
import { until } from '../../../../helpers/wait.js';

/** A guest that has shut down, whose QEMU exits only after the next status query. */
const exitingGuest = async (t: ExecutionContext): Promise<Guests> => {
  let monitor: Socket | undefined;
  let shutDown = false;
  const fake = await fakeQemu(t, {
    'query-status': (socket) => {
      monitor = socket;
      if (shutDown) setImmediate(() => fake.process.kill('SIGKILL'));
      return { status: shutDown ? 'shutdown' : 'running' };
    },
  });
  shutDown = true;
  if (monitor) send(monitor, { event: 'SHUTDOWN' });
  await until('the guest is shut down', () => fake.guests.states.get(GUEST_ID)?.state === 'shutdown');
  return fake.guests;
};

// The error shows that a start was attempted: no QEMU is installed here.

test('run starts a guest whose QEMU is still exiting', async (t) => {
  const guests = await exitingGuest(t);
  await t.throwsAsync(run(guests, GUEST_ID), { message: /not installed/ });
});

test('create starts a guest whose QEMU is still exiting', async (t) => {
  const guests = await exitingGuest(t);
  await t.throwsAsync(create(guests, DEFINITION), { message: /not installed/ });
});
