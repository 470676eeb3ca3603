import test, { type ExecutionContext } from 'ava';
import type { HostNetworks } from '../../../../../lib/model/host-networks.js';
import { Engine } from '../../../../../lib/subagents/container/engine.js';
import { listNetworks } from '../../../../../lib/subagents/container/nics/list.js';
import { createNetworks } from '../../../../../lib/subagents/shared/network/networks.js';
import { type ScriptedEngine, startScriptedEngine } from '../../../../helpers/scripted-engine.js';

const NETWORKS: ScriptedEngine['networks'] = {
  bridge: { Name: 'bridge', Driver: 'bridge', Subnet: '172.17.0.0/16' },
  lan: { Name: 'lan', Driver: 'bridge', Subnet: '192.0.2.0/24' },
  host: { Name: 'host', Driver: 'host' },
  none: { Name: 'none', Driver: 'null' },
  uplink: { Name: 'uplink', Driver: 'host' },
  pasta: { Name: 'pasta', Driver: 'bridge' },
  user: { Name: 'user', Driver: 'bridge' },
  br0: { Name: 'br0', Driver: 'bridge' },
};

const switches = createNetworks(undefined, [
  {
    keepsPorts: false,
    name: 'bridge',
    list: async () => ['br0'],
    find: async () => undefined,
    removePorts: async () => {},
    detach: async () => {},
  },
]);

const list = async (
  t: ExecutionContext,
  networks: ScriptedEngine['networks'],
  networkDrivers: string[] = [],
  more: Partial<ScriptedEngine> = {},
): Promise<HostNetworks> => {
  const { engine, guests } = await startScriptedEngine(t, {});
  Object.assign(engine, { networks, ...more });
  return listNetworks({ engine: guests.engine, policy: { networkDrivers } }, switches);
};

/** What a list says of an engine network. */
const entryOf = ({ networks }: HostNetworks, name: string) =>
  networks.find((network) => network.name === name && network.kind === 'engine');

test('lists bridges, the engine’s networks with driver and subnets, and user as its default network', async (t) => {
  const listed = await list(t, NETWORKS);
  t.deepEqual(listed.problems, []);
  const common = { guests: ['container'], usable: true };
  t.like(listed.networks.slice(0, 2), [
    { ...common, name: 'br0', kind: 'bridge' },
    { ...common, name: 'user', kind: 'user', subnets: ['172.17.0.0/16'] },
  ]);
  t.deepEqual(entryOf(listed, 'lan'), {
    ...{ name: 'lan', kind: 'engine', guests: ['container'], driver: 'bridge' },
    ...{ subnets: ['192.0.2.0/24'], usable: true },
  });
  t.true(entryOf(listed, 'bridge')?.usable);
});

for (const [name, reason] of [
  ['host', /^network host is the host's own.*--allow-network-driver host\)$/],
  ['uplink', /^network uplink is the host's own.*--allow-network-driver host\)$/],
  ['none', /^network none connects nothing.*--allow-network-driver null\)$/],
  ['pasta', /^engines do not read pasta as a name: give the network's id$/],
  ['user', /^a NIC on network user joins the engine's default network/],
  ['br0', /^a NIC on network br0 joins the bridge: give the network's id$/],
] as const)
  test(`says why a guest may not use the engine network ${name}`, async (t) => {
    const entry = entryOf(await list(t, NETWORKS), name);
    t.false(entry?.usable);
    t.regex(entry?.reason ?? '', reason);
  });

test('says that the policy allows a driver', async (t) => {
  const listed = await list(t, NETWORKS, ['host']);
  for (const name of ['host', 'uplink']) t.true(entryOf(listed, name)?.usable);
  t.false(entryOf(listed, 'none')?.usable);
});

test('adds the built-in networks that an engine takes and does not list', async (t) => {
  const listed = await list(t, { bridge: { Name: 'bridge', Driver: 'bridge' } });
  t.like(entryOf(listed, 'host'), { driver: 'host', subnets: [], usable: false });
  t.like(entryOf(listed, 'none'), { driver: 'null', subnets: [], usable: false });
});

test('lists the bridges alone while the engine fails, and says so', async (t) => {
  const { networks, problems } = await list(t, NETWORKS, [], { listStatus: 400 });
  t.deepEqual(
    networks.map(({ name }) => name),
    ['br0'],
  );
  t.is(problems.length, 1);
  t.regex(problems[0] ?? '', /^engine networks are unknown: /);
});

test('lists nothing for containers on a host without an engine', async (t) => {
  const deps = { engine: new Engine(['/nonexistent/engine.sock']), policy: { networkDrivers: [] } };
  const { networks, problems } = await listNetworks(deps, switches);
  t.deepEqual(networks, []);
  t.regex(problems.join(), /^engine networks are unknown: no container engine at \/nonexistent/);
});
