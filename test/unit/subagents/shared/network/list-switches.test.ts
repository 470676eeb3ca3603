import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { linuxBridges } from '../../../../../lib/subagents/shared/network/linux-bridge.js';
import { listSwitches } from '../../../../../lib/subagents/shared/network/list-switches.js';
import { openVswitch } from '../../../../../lib/subagents/shared/network/open-vswitch.js';
import type { SwitchKind } from '../../../../../lib/subagents/shared/network/switch.js';
import type { RunTool } from '../../../../../lib/subagents/shared/network/tools.js';
import { tempDir } from '../../../../helpers/temp.js';

const kind = (name: SwitchKind['name'], list: SwitchKind['list']): SwitchKind => ({
  keepsPorts: false,
  name,
  list,
  find: async () => undefined,
  removePorts: async () => {},
  detach: async () => {},
});

const LINKS = [
  {},
  {
    ifname: 'br0',
    addr_info: [
      { local: '192.0.2.1', prefixlen: 24, scope: 'global' },
      { local: '192.0.2.2', prefixlen: 24, scope: 'global' },
      { local: '2001:db8::1', prefixlen: 64, scope: 'global' },
      { local: 'fe80::1', prefixlen: 64, scope: 'link' },
    ],
  },
  { ifname: 'br1', addr_info: [] },
  { ifname: 'eth0', addr_info: [{ local: '198.18.0.1', prefixlen: 24, scope: 'global' }] },
];

const printsLinks: RunTool = async () => JSON.stringify(LINKS);

test('lists switches of all kinds with the subnets of the host’s addresses, link-local ones left out', async (t) => {
  const kinds = [kind('bridge', async () => ['br0', 'br1']), kind('openvswitch', async () => ['ovs0'])];
  const common = { guests: ['vm'], usable: true };
  t.deepEqual(await listSwitches(kinds, ['vm'], printsLinks), {
    networks: [
      { name: 'br0', kind: 'bridge', ...common, subnets: ['192.0.2.0/24', '2001:db8::/64'] },
      { name: 'br1', kind: 'bridge', ...common, subnets: [] },
      { name: 'ovs0', kind: 'openvswitch', ...common, subnets: [] },
    ],
    problems: [],
  } as Awaited<ReturnType<typeof listSwitches>>);
});

test('says which kind is unknown and lists the others', async (t) => {
  const fails = async (): Promise<never> => {
    throw new Error('out of order');
  };
  const { networks, problems } = await listSwitches(
    [kind('bridge', async () => ['br0']), kind('openvswitch', fails)],
    ['vm'],
    async () => fails(),
  );
  t.like(networks, [{ name: 'br0', subnets: [], usable: true }]);
  t.deepEqual([...problems].sort(), [
    'Open vSwitch bridges are unknown: out of order',
    'subnets of bridges are unknown: out of order',
  ]);
});

test('lists a name of two kinds once, as the kind that NICs join', async (t) => {
  const kinds = [kind('bridge', async () => ['br0']), kind('openvswitch', async () => ['br0'])];
  const { networks } = await listSwitches(kinds, ['container'], printsLinks);
  t.deepEqual(
    networks.map((network) => network.kind),
    ['bridge'],
  );
});

test('says that a bridge called user is unusable', async (t) => {
  const { networks } = await listSwitches([kind('bridge', async () => ['user'])], ['vm'], printsLinks);
  t.like(networks, [
    { name: 'user', usable: false, reason: 'a NIC on network user joins no bridge: rename it' },
  ]);
});

test('finds Linux bridges among the devices of sysfs', async (t) => {
  const sysNet = await tempDir(t);
  for (const path of ['br0/bridge', 'eth0', 'br1/bridge'])
    await mkdir(join(sysNet, path), { recursive: true });
  t.deepEqual((await linuxBridges(undefined, sysNet).list()).sort(), ['br0', 'br1']);
});

test('asks Open vSwitch for its bridges with a short timeout', async (t) => {
  const commands: string[] = [];
  const ovs = openVswitch('unix:/x/db.sock', async (tool, ...args) => {
    commands.push([tool, ...args].join(' '));
    return 'ovs0\novs1\n';
  });
  t.deepEqual(await ovs.list(), ['ovs0', 'ovs1']);
  t.deepEqual(commands, ['ovs-vsctl --timeout=3 --db=unix:/x/db.sock list-br']);
});
