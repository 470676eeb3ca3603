import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Nic } from '../../../../../lib/model/guest.js';
import { linuxBridges } from '../../../../../lib/subagents/shared/network/linux-bridge.js';
import { createNetworks } from '../../../../../lib/subagents/shared/network/networks.js';
import { openVswitch } from '../../../../../lib/subagents/shared/network/open-vswitch.js';
import type { Switch } from '../../../../../lib/subagents/shared/network/switch.js';
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

interface Recorder {
  run: RunTool;
  commands: string[];
}

/** Runs nothing; keeps what it was asked to, and answers by the first words that fit. */
const record = (answers: Record<string, string> = {}): Recorder => {
  const commands: string[] = [];
  const run: RunTool = async (tool, ...args) => {
    const command = [tool, ...args].join(' ');
    commands.push(command);
    return Object.entries(answers).find(([part]) => command.includes(part))?.[1] ?? '';
  };
  return { run, commands };
};

/** A bridge as sysfs shows it, which need not be what this kernel can. */
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

test('a device that is no bridge is none', async (t) => {
  const sysNet = await tempDir(t);
  await mkdir(join(sysNet, 'eth0'));
  t.is(await linuxBridges(runTool, sysNet).find('eth0'), undefined);
});

test('without VLANs a tap only joins the bridge', async (t) => {
  const { target, commands } = await bridge(t, { vlan_filtering: '1', default_pvid: '1' });
  await target.join({ tap: 'mt0', guestId, vlans: [] });
  t.deepEqual(commands, ['ip link set dev mt0 master br0']);
});

test('with one VLAN a tap leaves the default one and is untagged in its own', async (t) => {
  const { target, commands } = await bridge(t, { vlan_filtering: '1', default_pvid: '1' });
  await target.join({ tap: 'mt0', guestId, vlans: [7] });
  t.deepEqual(commands.slice(1), [
    'bridge vlan del dev mt0 vid 1',
    'bridge vlan add dev mt0 vid 7 pvid untagged',
  ]);
});

test('with several VLANs a tap is a trunk of these and of nothing untagged', async (t) => {
  const { target, commands } = await bridge(t, { vlan_filtering: '1', default_pvid: '5' });
  await target.join({ tap: 'mt0', guestId, vlans: [7, 8] });
  t.deepEqual(commands.slice(1), [
    'bridge vlan del dev mt0 vid 5',
    'bridge vlan add dev mt0 vid 7',
    'bridge vlan add dev mt0 vid 8',
  ]);
});

test('a bridge without a default VLAN has none to leave', async (t) => {
  const { target, commands } = await bridge(t, { vlan_filtering: '1', default_pvid: '0' });
  await target.join({ tap: 'mt0', guestId, vlans: [7] });
  t.is(commands.length, 2);
});

test('VLANs on a bridge that does not filter are refused, with what to do', async (t) => {
  const { target } = await bridge(t, { vlan_filtering: '0' });
  await t.throwsAsync(target.checkVlans(), {
    message: 'bridge br0 does not keep VLANs apart: ip link set br0 type bridge vlan_filtering 1',
  });
});

test('VLANs on a kernel that cannot filter are refused, with what to do', async (t) => {
  const { target } = await bridge(t, {});
  await t.throwsAsync(target.checkVlans(), {
    message: /has no VLANs on Linux bridges .*use a bridge of Open/,
  });
});

test('Open vSwitch is asked on the socket that was given, the default one otherwise', async (t) => {
  const { run, commands } = record();
  await openVswitch('unix:/x/db.sock', run).find('br0');
  await openVswitch(undefined, run).find('br0');
  t.is(commands[0], 'ovs-vsctl --timeout=10 --db=unix:/x/db.sock br-exists br0');
  t.true(commands.includes('ovs-vsctl --timeout=10 br-exists br0'));
});

test('frames with offloads reach a bridge in the kernel only', async (t) => {
  const find = (datapath: string) =>
    openVswitch(undefined, record({ datapath_type: `${datapath}\n` }).run).find('br0');
  t.false((await find('netdev'))?.offload);
  t.true((await find('""'))?.offload);
  t.true((await find('system'))?.offload);
});

test('a host without Open vSwitch has no bridges of it, and nothing to forget', async (t) => {
  const notInstalled: RunTool = async () => {
    const error = await t.throwsAsync(execa('no-such-program-7'));
    throw new ToolError('not installed', error as ConstructorParameters<typeof ToolError>[1]);
  };
  const ovs = openVswitch(undefined, notInstalled);
  t.is(await ovs.find('br0'), undefined);
  await t.notThrowsAsync(ovs.leave(guestId));
});

test('a failure of Open vSwitch is not taken for a bridge that is not there', async (t) => {
  const ovs = openVswitch(undefined, async () => {
    throw new Error('ovs-vsctl: out of order');
  });
  await t.throwsAsync(ovs.find('br0'), { message: 'ovs-vsctl: out of order' });
  await t.throwsAsync(ovs.leave(guestId), { message: 'ovs-vsctl: out of order' });
});

test('only nics with VLANs ask whether their bridge can', async (t) => {
  const target: Switch = {
    offload: true,
    checkVlans: async () => {
      throw new Error('cannot');
    },
    join: async () => {},
  };
  const kind = { find: async () => target, leave: async () => {} };
  const networks = createNetworks(undefined, [kind]);
  t.deepEqual(await networks.resolve([nic('br0'), nic('user')]), [target, undefined]);
  await t.throwsAsync(networks.resolve([nic('br0'), nic('br1', [7])]), { message: 'nic 1: cannot' });
});

test('a network that is nowhere is named', async (t) => {
  const none = { find: async () => undefined, leave: async () => {} };
  await t.throwsAsync(createNetworks(undefined, [none, none]).resolve([nic('br7')]), {
    message: /^nic 0: there is no bridge br7 on this host: make it/,
  });
});
