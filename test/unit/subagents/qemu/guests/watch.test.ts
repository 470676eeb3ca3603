import test from 'ava';
import { fakeQemu } from '../../../../helpers/fake-qemu.js';
import { send } from '../../../../helpers/qmp-server.js';
import { GUEST_ID } from '../../../../helpers/sub-agents.js';
import { until } from '../../../../helpers/wait.js';

test('reports QEMU’s VNC port, and 0 for anything that is not a port', async (t) => {
  const portOf = async (service: unknown): Promise<number | undefined> =>
    (await fakeQemu(t, { 'query-vnc': () => ({ service }) })).guests.states.get(GUEST_ID)?.vnc;
  t.is(await portOf('5907'), 5907);
  for (const nonsense of ['70000', 'x', '-1', '1.5', null, {}])
    t.is(await portOf(nonsense), 0, `${nonsense}`);
});

test('queries QEMU only once more, however many events arrive during a query', async (t) => {
  let asked = 0;
  const { guests } = await fakeQemu(t, {
    'query-status': (socket) => {
      asked += 1;
      if (asked === 1) for (let n = 0; n < 1000; n += 1) send(socket, { event: 'STOP' });
      return { status: 'running' };
    },
    'query-name': () => ({}),
  });
  await until('the second query', () => asked > 1);
  // QEMU has received every earlier query once it replies to this command.
  await guests.get(GUEST_ID).watch?.execute('query-name');
  t.is(asked, 2);
});
