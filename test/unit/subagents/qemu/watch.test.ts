import test from 'ava';
import { playQemu } from '../../../helpers/played-qemu.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';

test('the VNC port is what QEMU says, and 0 where that is no port', async (t) => {
  const portOf = async (service: unknown): Promise<number | undefined> =>
    (await playQemu(t, { 'query-vnc': () => ({ service }) })).guests.states.get(GUEST_ID)?.vnc;
  t.is(await portOf('5907'), 5907);
  for (const nonsense of ['70000', 'x', '-1', '1.5', null, {}])
    t.is(await portOf(nonsense), 0, `${nonsense}`);
});
