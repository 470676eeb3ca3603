import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Nic } from '../../../../../lib/model/guest.js';
import { ProgramError, runProgram } from '../../../../../lib/process/run-program.js';
import { linuxBridges } from '../../../../../lib/subagents/shared/network/linux-bridge.js';
import { createNetworks } from '../../../../../lib/subagents/shared/network/networks.js';
import { openVswitch } from '../../../../../lib/subagents/shared/network/open-vswitch.js';
import {
  NoServiceError,
  type Switch,
  type SwitchKind,
} from '../../../../../lib/subagents/shared/network/switch.js';
import { type RunTool, runTool, ToolError } from '../../../../../lib/subagents/shared/network/tools.js';
import { tempDir } from '../../../../helpers/temp.js';

const guestId = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const nic = (network: string, vlans: number[] = []): Nic => ({
  network,
  model: '',
  address: '',
  netmask: '',
  gateway: '',
  vlans,
});

const fakeKind = (more: Partial<SwitchKind>): SwitchKind => ({
  keepsPorts: false,
  name: 'bridge',
  list: async () => [],
  find: async () => undefined,
  removePorts: async () => {},
  detach: async () => {},
  ...more,
});

interface Recorder {
  run: RunTool;
  commands: string[];
}

/** Records commands instead of running them; each prints the first output whose key the command contains. */
const record = (answers: Record<string, string> = {}): Recorder => {
  const commands: string[] = [];
  const run: RunTool = async (tool, ...args) => {
    const command = [tool, ...args].join(' ');
    commands.push(command);
    return Object.entries(answers).find(([part]) => command.includes(part))?.[1] ?? '';
  };
  return { run, commands };
};

/** A bridge in a directory that imitates sysfs, with features that this kernel may lack. */
const bridge = async (
  t: ExecutionContext,
  files: Record<string, string>,
): Promise<Recorder & { target: Switch }> => {
  const sysNet = await tempDir(t);
  const directory = join(sysNet, 'br0', 'bridge');
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), `${text}\n`);
  const recorder = record();
  const target = await linuxBridges(recorder.run, sysNet).find('br0');
  if (!target) throw new Error('not found');
  return { ...recorder, target };
};

test('finds no bridge behind a device of another kind', async (t) => {
  const sysNet = await tempDir(t);
  await mkdir(join(sysNet, 'eth0'));
  t.is(await linuxBridges(runTool, sysNet).find('eth0'), undefined);
});

test('only joins the bridge for a tap without VLANs', async (t) => {
  const { target, commands } = await bridge(t, { vlan_filtering: '1', default_pvid: '1' });
  await target.addPort({ tap: 'mt0', guestId, vlans: [] });
  t.deepEqual(commands, ['ip link set dev mt0 master br0']);
});

test('makes an access port for one VLAN, out of the default VLAN', async (t) => {
  const { target, commands } = await bridge(t, { vlan_filtering: '1', default_pvid: '1' });
  await target.addPort({ tap: 'mt0', guestId, vlans: [7] });
  t.deepEqual(commands.slice(1), [
    'bridge vlan del dev mt0 vid 1',
    'bridge vlan add dev mt0 vid 7 pvid untagged',
  ]);
});

test('makes a trunk of several VLANs, without untagged frames', async (t) => {
  const { target, commands } = await bridge(t, { vlan_filtering: '1', default_pvid: '5' });
  await target.addPort({ tap: 'mt0', guestId, vlans: [7, 8] });
  t.deepEqual(commands.slice(1), [
    'bridge vlan del dev mt0 vid 5',
    'bridge vlan add dev mt0 vid 7',
    'bridge vlan add dev mt0 vid 8',
  ]);
});

test('removes no default VLAN from a bridge that has none', async (t) => {
  const { target, commands } = await bridge(t, { vlan_filtering: '1', default_pvid: '0' });
  await target.addPort({ tap: 'mt0', guestId, vlans: [7] });
  t.is(commands.length, 2);
});

test('rejects VLANs on a bridge that does not filter, and says what to do', async (t) => {
  const { target } = await bridge(t, { vlan_filtering: '0' });
  await t.throwsAsync(target.checkVlans([7]), {
    message: 'bridge br0 does not keep VLANs apart: ip link set br0 type bridge vlan_filtering 1',
  });
});

test('rejects VLANs on a kernel that cannot filter, and says what to do', async (t) => {
  const { target } = await bridge(t, {});
  await t.throwsAsync(target.checkVlans([7]), {
    message: /bridge br0 cannot have VLANs: .*use an Open vSwitch bridge/,
  });
});

for (const [name, files] of [
  ['does not filter', { vlan_filtering: '0', default_pvid: '1' }],
  ['has a kernel that cannot filter', {}],
] as [string, Record<string, string>][])
  test(`joins a NIC without a tag when VLAN 1 is its only one and the bridge ${name}, and rejects VLAN 1 beside others`, async (t) => {
    const { target, commands } = await bridge(t, files);
    await t.notThrowsAsync(target.checkVlans([1]));
    await target.addPort({ tap: 'mt0', guestId, vlans: [1] });
    t.deepEqual(commands, ['ip link set dev mt0 master br0']);
    for (const vlans of [[2], [1, 2]]) await t.throwsAsync(target.checkVlans(vlans));
  });

test('makes an access port for VLAN 1 on a bridge that filters, whatever its default VLAN', async (t) => {
  for (const default_pvid of ['1', '5']) {
    const { target, commands } = await bridge(t, { vlan_filtering: '1', default_pvid });
    await target.addPort({ tap: 'mt0', guestId, vlans: [1] });
    t.deepEqual(commands.slice(1), [
      `bridge vlan del dev mt0 vid ${default_pvid}`,
      'bridge vlan add dev mt0 vid 1 pvid untagged',
    ]);
  }
});

/** Makes a directory that imitates sysfs, with one device. */
const deviceOf = async (t: ExecutionContext, name: string): Promise<string> => {
  const sysNet = await tempDir(t);
  await mkdir(join(sysNet, name));
  return sysNet;
};

test('does not ask Open vSwitch about a name without a device, which is no bridge', async (t) => {
  const { run, commands } = record();
  t.is(await openVswitch(undefined, run, await deviceOf(t, 'br0')).find('an-engine-network'), undefined);
  t.deepEqual(commands, []);
});

test('calls Open vSwitch on the given socket, or on the default one', async (t) => {
  const { run, commands } = record();
  const sysNet = await deviceOf(t, 'br0');
  await openVswitch('unix:/x/db.sock', run, sysNet).find('br0');
  await openVswitch(undefined, run, sysNet).find('br0');
  t.is(commands[0], 'ovs-vsctl --timeout=10 --db=unix:/x/db.sock br-exists br0');
  t.true(commands.includes('ovs-vsctl --timeout=10 br-exists br0'));
});

test('allows offloads only on a bridge of the kernel datapath', async (t) => {
  const sysNet = await deviceOf(t, 'br0');
  const find = (datapath: string) =>
    openVswitch(undefined, record({ datapath_type: `${datapath}\n` }).run, sysNet).find('br0');
  t.false((await find('netdev'))?.offload);
  t.true((await find('""'))?.offload);
  t.true((await find('system'))?.offload);
});

test('finds no bridge on a host without Open vSwitch, and says that it does not run', async (t) => {
  const notInstalled: RunTool = async () => {
    const error = await t.throwsAsync(runProgram('no-such-program-7', [], { timeoutMs: 1000 }), {
      instanceOf: ProgramError,
    });
    throw error ? new ToolError('not installed', error) : new Error('it is installed');
  };
  const ovs = openVswitch(undefined, notInstalled, await deviceOf(t, 'br0'));
  t.is(await ovs.find('br0'), undefined);
  await t.throwsAsync(ovs.removePorts(guestId), { instanceOf: NoServiceError });
});

test('reports a failure of Open vSwitch instead of a missing bridge', async (t) => {
  const outOfOrder = async (): Promise<string> => {
    throw new Error('ovs-vsctl: out of order');
  };
  const ovs = openVswitch(undefined, outOfOrder, await deviceOf(t, 'br0'));
  await t.throwsAsync(ovs.find('br0'), { message: 'ovs-vsctl: out of order' });
  await t.throwsAsync(ovs.removePorts(guestId), { message: 'ovs-vsctl: out of order' });
});

test('checks a bridge for VLANs only for NICs that have VLANs', async (t) => {
  const target: Switch = {
    keepsPorts: false,
    offload: true,
    checkVlans: async () => {
      throw new Error('cannot');
    },
    addPort: async () => {},
  };
  const kind = fakeKind({ find: async () => target });
  const networks = createNetworks(undefined, [kind]);
  t.deepEqual(await networks.resolve([nic('br0'), nic('user')]), [target, undefined]);
  await t.throwsAsync(networks.resolve([nic('br0'), nic('br1', [7])]), { message: 'NIC 1: cannot' });
});

test('names a network that does not exist', async (t) => {
  const none = fakeKind({});
  await t.throwsAsync(createNetworks(undefined, [none, none]).resolve([nic('br7')]), {
    message: /^NIC 0: no bridge "br7" on this host: create it/,
  });
});
