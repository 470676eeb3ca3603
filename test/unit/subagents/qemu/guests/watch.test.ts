import test from 'ava';
import { playQemu } from '../../../../helpers/played-qemu.js';
import { send } from '../../../../helpers/qmp-server.js';
import { GUEST_ID } from '../../../../helpers/sub-agents.js';
import { until } from '../../../../helpers/wait.js';

test('the VNC port is what QEMU says, and 0 where that is no port', async (t) => {
  const portOf = async (service: unknown): Promise<number | undefined> =>
    (await playQemu(t, { 'query-vnc': () => ({ service }) })).guests.states.get(GUEST_ID)?.vnc;
  t.is(await portOf('5907'), 5907);
  for (const nonsense of ['70000', 'x', '-1', '1.5', null, {}])
    t.is(await portOf(nonsense), 0, `${nonsense}`);
});

test('however many events come while QEMU is asked how the guest is, it is asked once more', async (t) => {
  let asked = 0;
  const { guests } = await playQemu(t, {
    'query-status': (socket) => {
      asked += 1;
      if (asked === 1) for (let n = 0; n < 1000; n += 1) send(socket, { event: 'STOP' });
      return { status: 'running' };
    },
    'query-name': () => ({}),
  });
  await until('it was asked again', () => asked > 1);
  // What was asked before this has come to the other end before it.
  await guests.get(GUEST_ID).watch?.execute('query-name');
  t.is(asked, 2);
});
