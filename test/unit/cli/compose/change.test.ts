import test from 'ava';
import { changeTo } from '../../../../lib/cli/compose/change.js';
import type { Guest } from '../../../../lib/client/index.js';

const ID = '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';
const NIC = { network: 'user', model: '', address: '', netmask: '', gateway: '', vlans: [] };

const guest = (more: Partial<Guest> = {}): Guest => ({
  id: ID,
  type: 'container',
  image: 'a',
  memory: 512,
  nics: [{ ...NIC, name: 'net0' }],
  ...more,
});

const spec = { type: 'container', image: 'a', nics: [{ network: 'user' }] };

test('a patch has what differs, and nothing else', (t) => {
  const before = guest({
    cpu: 2,
    restart: { policy: 'on-failure', maxRetries: 3 },
    container: { env: { A: '1', B: '2' }, user: '1', imageMounts: [{ target: '/x', volume: 'v' }] },
  });
  t.deepEqual(changeTo(before, { ...spec, restart: { policy: 'always' }, container: { env: { A: '3' } } }), {
    cpu: null,
    restart: { policy: 'always', maxRetries: null },
    container: { user: null, env: { A: '3', B: null } },
  });
  t.deepEqual(changeTo(guest(), { ...spec, memory: 64 }), { memory: 64 });
  t.deepEqual(changeTo(guest({ container: { user: '1' } }), { ...spec, container: { user: '1' } }), {});
});

test('a patch sets all secret variables, whose values no client can read, and removes those that are gone', (t) => {
  const hidden = ['container.secretEnv.A', 'container.secretEnv.B', 'other'];
  t.deepEqual(changeTo(guest({ hidden }), { ...spec, container: { secretEnv: { A: '1' } } }), {
    container: { secretEnv: { A: '1', B: null } },
  });
  t.deepEqual(changeTo(guest({ hidden }), spec), { container: { secretEnv: null } });
});

test('no patch changes the networks of a guest', (t) => {
  t.is(changeTo(guest(), { ...spec, nics: [{ network: 'other' }] }), undefined);
  t.is(changeTo(guest(), { ...spec, nics: [] }), undefined);
});
