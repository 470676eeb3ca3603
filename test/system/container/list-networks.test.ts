import { randomBytes, randomInt } from 'node:crypto';
import ava from 'ava';
import type { HostNetworks } from '../../../lib/model/host-networks.js';
import { makeBridge } from '../../helpers/bridge.js';
import { SharedEngine, startTestContainers } from '../../helpers/containers.js';
import { needsEngine as test } from '../../helpers/engines/chosen.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

test('lists the engine’s networks, which of them its policy forbids, and the host’s bridges', async (t) => {
  const engine = await shared.engine();
  const prefix = `fd6d:${randomInt(1, 0x10000).toString(16)}::`;
  const bridge = await makeBridge(t, `${prefix}1/64`);
  const name = `mcn${randomBytes(4).toString('hex')}`;
  const subnet = await engine.createNetwork(name);
  const list = async (allowNetworkDriver: string[]): Promise<HostNetworks['networks']> => {
    const containers = await startTestContainers(t, engine.socket, { allowNetworkDriver });
    const response: unknown = await containers.call('ListNetworks', {});
    return (response as HostNetworks).networks;
  };

  const networks = await list([]);
  const find = (wanted: string) => networks.find((network) => network.name === wanted);
  t.deepEqual(find(name), {
    ...{ name, kind: 'engine', guests: ['container'], driver: 'bridge' },
    ...{ subnets: [subnet], usable: true },
  });
  t.like(find(bridge), { kind: 'bridge', guests: ['container'], subnets: [`${prefix}/64`], usable: true });
  t.is(find('user')?.subnets.length, 1);
  t.deepEqual(find('user')?.subnets, find('bridge')?.subnets);
  t.regex(find('host')?.reason ?? '', /--allow-network-driver host\)$/);
  t.false(find('none')?.usable);
  t.like(
    (await list(['host'])).find((network) => network.name === 'host'),
    { kind: 'engine', driver: 'host', usable: true },
  );
});
