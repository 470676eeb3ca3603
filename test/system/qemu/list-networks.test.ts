import { randomInt } from 'node:crypto';
import type { HostNetworks } from '../../../lib/model/host-networks.js';
import { makeBridge } from '../../helpers/bridge.js';
import { needsInTurn } from '../../helpers/needs.js';
import { OVS_PARTS, Ovs } from '../../helpers/ovs.js';
import { QemuHost } from '../../helpers/qemu.js';

const test = needsInTurn('qemu-system-x86_64', ...OVS_PARTS);

test('lists Linux and Open vSwitch bridges with their subnets, and Linux bridges alone while the database hangs', async (t) => {
  const ovs = await Ovs.use(t);
  const prefix = `fd6d:${randomInt(1, 0x10000).toString(16)}::`;
  const bridge = await makeBridge(t, '203.0.113.17/28', `${prefix}1/64`);
  const plain = await makeBridge(t);
  const ovsBridge = await ovs.makeBridge(t);
  const host = await QemuHost.start(t, ovs.db);
  const list = () => host.call<HostNetworks>('ListNetworks', {});

  const { networks, problems } = await list();
  t.deepEqual(problems, []);
  const find = (name: string) => networks.filter((network) => network.name === name);
  const common = { guests: ['vm'], usable: true } as const;
  t.deepEqual(find(bridge), [
    { name: bridge, kind: 'bridge', ...common, subnets: ['203.0.113.16/28', `${prefix}/64`] },
  ] as object[]);
  t.like(find(plain), [{ kind: 'bridge', subnets: [], usable: true }]);
  t.like(find(ovsBridge), [{ kind: 'openvswitch', usable: true }]);
  t.like(find('user'), [{ kind: 'user', usable: true }]);

  await ovs.hang();
  t.teardown(() => ovs.resume());
  const hung = await list();
  t.true(hung.networks.some(({ name }) => name === bridge));
  t.deepEqual(hung.problems, [
    'Open vSwitch bridges are unknown: Open vSwitch did not respond within 3 s: check ovsdb-server and ovs-vswitchd',
  ]);
  await ovs.resume();
  t.true((await list()).networks.some(({ name }) => name === ovsBridge));
});
