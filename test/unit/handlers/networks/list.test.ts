import test from 'ava';
import { listNetworks } from '../../../../handlers/networks/list.js';
import type { HostNetwork } from '../../../../lib/model/host-networks.js';
import { event, rejection, startTestAgent } from '../../../helpers/agent.js';

const STAGES = [{ method: 'Test.virtual' }, { method: 'Test.containers', args: { scope: 'all' } }];

const network = (name: string, guest: 'vm' | 'container', more: Partial<HostNetwork> = {}): HostNetwork => ({
  ...{ name, kind: 'bridge', guests: [guest], subnets: ['192.0.2.0/24'], usable: true },
  ...more,
});

test('merges the lists of all stages, sorted by name, and each problem once', async (t) => {
  const user: Partial<HostNetwork> = { kind: 'user', subnets: [] };
  const { context, scripted } = await startTestAgent(t, {
    actions: { networks: STAGES },
    methods: {
      'Test.virtual': () => ({
        networks: [network('user', 'vm', user), network('br0', 'vm')],
        problems: ['Open vSwitch hangs'],
      }),
      'Test.containers': () => ({
        networks: [
          network('br0', 'container'),
          network('user', 'container', { ...user, subnets: ['198.18.0.0/24'] }),
        ],
        problems: ['Open vSwitch hangs', 'no engine'],
      }),
    },
  });
  const { status, body } = await listNetworks(event(), context);
  t.is(status, 200);
  t.deepEqual(body, {
    networks: [
      network('br0', 'vm', { guests: ['vm', 'container'] }),
      network('user', 'vm', user),
      network('user', 'container', { ...user, subnets: ['198.18.0.0/24'] }),
    ],
    problems: ['Open vSwitch hangs', 'no engine'],
  });
  t.deepEqual(scripted.requests('Test.containers') as object[], [{ args: { scope: 'all' } }]);
});

test('keeps entries apart that differ in whether a guest may use them', async (t) => {
  const refused = network('br0', 'container', { usable: false, reason: 'hidden' });
  const { context } = await startTestAgent(t, {
    actions: { networks: [{ method: 'Test.virtual' }] },
    methods: { 'Test.virtual': () => ({ networks: [network('br0', 'vm'), refused] }) },
  });
  t.deepEqual((await listNetworks(event(), context)).body.networks, [network('br0', 'vm'), refused]);
});

test('takes null and absent lists as empty ones', async (t) => {
  for (const response of [{}, { networks: null, problems: null }]) {
    const { context } = await startTestAgent(t, { methods: { 'Test.networks': () => response } });
    t.deepEqual((await listNetworks(event(), context)).body, { networks: [], problems: [] });
  }
});

test('fails with 404 without the action in the config', async (t) => {
  const { context } = await startTestAgent(t, { actions: { networks: undefined } });
  t.like(await rejection(t, listNetworks(event(), context)), {
    code: 404,
    message: 'networks: Not configured',
  });
});

for (const response of [null, { networks: 'br0' }, { networks: [{ name: 'br0' }] }, { problems: [7] }])
  test(`fails with 502 for the response ${JSON.stringify(response)}`, async (t) => {
    const { context } = await startTestAgent(t, { methods: { 'Test.networks': () => response } });
    t.like(await rejection(t, listNetworks(event(), context)), { code: 502 });
  });
