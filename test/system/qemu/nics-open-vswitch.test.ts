import { existsSync } from 'node:fs';
import { tapName } from '../../../lib/subagents/shared/network/nics.js';
import { makeBridge } from '../../helpers/bridge.js';
import { needs } from '../../helpers/needs.js';
import { OVS_PARTS, Ovs } from '../../helpers/ovs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';

const test = needs('qemu-system-x86_64', 'qemu-img', ...OVS_PARTS);

test('adds a NIC on Open vSwitch to a running guest, moves it, and leaves no port behind', async (t) => {
  const ovs = await Ovs.use(t);
  const [network, bridge] = [await ovs.makeBridge(t), await makeBridge(t)];
  const host = await QemuHost.start(t, ovs.db);
  const id = host.newId();
  const tap = tapName(id, 0);
  await host.call('Create', { id, ...TINY });
  await host.change('AddNic', id, { nic: { network, vlans: [7] } });
  t.deepEqual([await ovs.ports(network), await ovs.vsctl('get', 'Port', tap, 'tag')], [[tap], '7']);
  await host.change('ChangeNic', id, { name: 'net0', nic: { vlans: [8] } });
  t.is(await ovs.vsctl('get', 'Port', tap, 'tag'), '8');
  await host.change('ChangeNic', id, { name: 'net0', nic: { network: bridge, vlans: [] } });
  t.deepEqual(await ovs.ports(network), []);
  t.true(existsSync(`/sys/class/net/${bridge}/brif/${tap}`));
  // The NIC began without offloads, so it may come back.
  await host.change('ChangeNic', id, { name: 'net0', nic: { network } });
  t.deepEqual(await ovs.ports(network), [tap]);
  await host.change('RemoveNic', id, { name: 'net0' });
  await host.call('Restart', { id });
  await host.change('RemoveNic', id, { name: 'net0' });
  t.deepEqual(await ovs.ports(network), []);
  await host.change('AddNic', id, { nic: { network: bridge } });
  await t.throwsAsync(host.change('ChangeNic', id, { name: 'net0', nic: { network } }), {
    message: /uses offloads, which network \S+ \(Open vSwitch in user space\) cannot forward/,
  });
});
