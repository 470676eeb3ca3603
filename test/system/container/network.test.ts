import { randomBytes, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import ipaddr from 'ipaddr.js';
import type { HostNetworks } from '../../../lib/model/host-networks.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { tapName } from '../../../lib/subagents/shared/network/nics.js';
import {
  newGuest,
  SharedEngine,
  startTestContainers,
  type TestContainers,
} from '../../helpers/containers.js';
import { startEngine, needsEngine as test } from '../../helpers/engines/chosen.js';
import { newSubnet } from '../../helpers/engines/engine.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';
import { wrapProgram } from '../../helpers/wrapped-program.js';

// Guarantees: G35.

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const makeBridge = async (t: ExecutionContext): Promise<{ bridge: string; subnet: string }> => {
  const bridge = `mct${randomBytes(4).toString('hex')}`;
  const subnet = newSubnet();
  await execa('ip', ['link', 'add', bridge, 'type', 'bridge']);
  t.teardown(() => execa('ip', ['link', 'delete', bridge]));
  await execa('ip', ['address', 'add', `${subnet}.1/24`, 'dev', bridge]);
  await execa('ip', ['link', 'set', bridge, 'up']);
  return { bridge, subnet };
};

const networkName = (): string => `mcn${randomBytes(4).toString('hex')}`;

const inside = async (id: string, ...command: string[]): Promise<string> =>
  (await shared.engine()).run('exec', containerName(id), ...command);

const nic = (network: string, more = {}) => ({
  network,
  model: '',
  address: '',
  netmask: '',
  gateway: '',
  vlans: [],
  ...more,
});

/** A program that runs until it is killed, with the capability that the ping of busybox asks for. */
const PINGING = { command: 'sleep 600', capAdd: ['NET_RAW'] };

test('a guest on a bridge has the address, MAC and gateway of its NIC, also after a restart', async (t) => {
  const { bridge, subnet } = await makeBridge(t);
  const containers = await shared.containers();
  const address = { address: `${subnet}.2`, netmask: '255.255.255.0', gateway: `${subnet}.1` };
  const nics = [nic(bridge, { ...address, mac: '52:54:00:aa:bb:cc', name: 'lan' })];
  const guest = newGuest({ nics, container: PINGING });
  const { guest: made } = await containers.guest('CreateContainer', guest);
  t.is(made.nics?.[0]?.device, tapName(guest.id, 0));
  await containers.guest('StartContainer', guest);
  for (const round of ['first', 'restarted']) {
    t.regex(await inside(guest.id, 'ip', 'link', 'show', 'eth0'), /52:54:00:aa:bb:cc/, round);
    t.regex(await inside(guest.id, 'ip', 'route'), new RegExp(`default via ${subnet}.1`), round);
    t.regex(await inside(guest.id, 'ping', '-c', '1', '-W', '5', `${subnet}.1`), /1 packets received/, round);
    if (round === 'first') await containers.guest('RestartContainer', guest, { timeout: '0' });
  }
  const { nic: metrics } = await containers.guest('NicMetrics', guest);
  t.true((metrics.lan?.tx_packets ?? 0) > 0 && (metrics.lan?.rx_bytes ?? 0) > 0);
});

test('deleting the last guest of a bridge removes its device and keeps the bridge', async (t) => {
  const { bridge } = await makeBridge(t);
  const containers = await shared.containers();
  const guest = newGuest({ nics: [nic(bridge)] });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  t.true(existsSync(`/sys/class/net/${bridge}/brif/${tapName(guest.id, 0)}`));
  await containers.guest('DeleteContainer', guest);
  await until('the device is gone', () => !existsSync(`/sys/class/net/${tapName(guest.id, 0)}`));
  t.true(existsSync(`/sys/class/net/${bridge}/bridge`));
});

test('guests on one bridge reach each other', async (t) => {
  const { bridge, subnet } = await makeBridge(t);
  const containers = await shared.containers();
  const [one, other] = [2, 3].map((host) =>
    newGuest({ nics: [nic(bridge, { address: `${subnet}.${host}/24` })], container: PINGING }),
  );
  for (const guest of [one, other]) {
    await containers.guest('CreateContainer', guest ?? {});
    await containers.guest('StartContainer', guest ?? {});
  }
  t.regex(await inside(one?.id ?? '', 'ping', '-c', '1', '-W', '5', `${subnet}.3`), /1 packets received/);
});

test('connects the NICs of a container that another program started', async (t) => {
  const { bridge } = await makeBridge(t);
  const containers = await shared.containers();
  const guest = newGuest({ nics: [nic(bridge)] });
  await containers.guest('CreateContainer', guest);
  await (await shared.engine()).run('start', containerName(guest.id));
  await until('the container has its nic', async () => /eth0/.test(await inside(guest.id, 'ip', 'link')));
  t.is((await containers.guest('Status', guest)).guest.state, 'running');
});

test('a guest without NICs has no network', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest();
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  t.notRegex(await inside(guest.id, 'ip', 'link'), /eth0/);
  t.deepEqual((await containers.guest('NicMetrics', guest)).nic, {});
});

test('combines a NIC on an engine network with one on a bridge', async (t) => {
  const { bridge } = await makeBridge(t);
  const containers = await shared.containers();
  const engine = await shared.engine();
  const name = networkName();
  const address = (await engine.createNetwork(name)).replace('.0/24', '.7');
  const nics = [nic(bridge), nic(name, { address, netmask: '24' })];
  const guest = newGuest({ nics });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  t.regex(await inside(guest.id, 'ip', 'address', 'show', 'eth0'), new RegExp(`${address}/24`));
  t.regex(await inside(guest.id, 'ip', 'link', 'show', 'eth1'), /52:54:00/);
  const { nic: metrics } = await containers.guest('NicMetrics', guest);
  t.deepEqual(Object.keys(metrics).sort(), ['net0', 'net1']);
  await containers.guest('DeleteContainer', guest);
});

test('counts each NIC on an engine network by itself', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const [quiet, busy] = [networkName(), networkName()];
  await engine.createNetwork(quiet);
  const gateway = (await engine.createNetwork(busy)).replace('.0/24', '.1');
  const nics = [nic(quiet, { name: 'quiet' }), nic(busy, { name: 'busy' }), nic('user', { name: 'other' })];
  const guest = newGuest({ nics, container: PINGING });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  await inside(guest.id, 'ping', '-c', '1', '-s', '60000', gateway);
  const { nic: metrics } = await containers.guest('NicMetrics', guest);
  t.deepEqual(Object.keys(metrics), ['quiet', 'busy', 'other']);
  t.true((metrics.busy?.rx_bytes ?? 0) >= 60_000);
  t.true((metrics.quiet?.rx_bytes ?? 60_000) < 60_000);
  t.true((metrics.other?.rx_bytes ?? 60_000) < 60_000);
  await containers.guest('DeleteContainer', guest);
});

test('the network user is the engine’s default network', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest({ nics: [nic('user')] });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  t.regex(await inside(guest.id, 'ip', 'route'), /default via .* eth0/);
  await containers.guest('DeleteContainer', guest);
});

/** Returns an address in the default network of the engine that nobody has. */
const defaultAddress = async (containers: TestContainers): Promise<string> => {
  const { networks } = (await containers.call('ListNetworks', {})) as unknown as HostNetworks;
  const [subnet = ''] = networks.find(({ name }) => name === 'user')?.subnets ?? [];
  const [start, bits] = ipaddr.IPv4.parseCIDR(subnet);
  const bytes = start.toByteArray();
  bytes[3] = 100 + randomInt(100);
  return `${bytes.join('.')}/${bits}`;
};

test('a NIC on the default network has the MAC that it asks for, and the address if the engine gives it', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const address = await defaultAddress(containers);
  const { addressOnDefaultNetwork, keepsOrder, macOfEachNic } = engine.traits;
  const asked = nic('user', {
    mac: '52:54:00:00:00:77',
    ...(addressOnDefaultNetwork ? { address } : {}),
  });
  const other = networkName();
  await engine.createNetwork(other);
  for (const nics of [[asked], [asked, nic(other)], [nic(other), asked]]) {
    const guest = newGuest({ nics });
    const created = containers.guest('CreateContainer', guest);
    if (nics[0] !== asked && !macOfEachNic) {
      await t.throwsAsync(created, { message: /^NIC net1 asks for the MAC address/ });
      continue;
    }
    await created;
    await containers.guest('StartContainer', guest);
    const device = keepsOrder ? [`eth${nics.indexOf(asked)}`] : [];
    const shown = await inside(guest.id, 'ip', 'address', 'show', ...device);
    t.regex(shown, /52:54:00:00:00:77/);
    if (addressOnDefaultNetwork) t.regex(shown, new RegExp(`inet ${address}`));
    await containers.guest('DeleteContainer', guest);
  }
  if (addressOnDefaultNetwork) return;
  await t.throwsAsync(containers.guest('CreateContainer', newGuest({ nics: [nic('user', { address })] })), {
    message: /^NIC 0: Docker assigns the addresses of its default network itself/,
  });
});

test('rejects an invalid NIC before creating the container', async (t) => {
  const containers = await shared.containers();
  const { bridge } = await makeBridge(t);
  for (const [bad, message] of [
    [nic('no-such-net'), /^NIC 0: this host has neither a bridge nor an engine network no-such-net/],
    [nic('host'), /^NIC 0: network host is the host's own/],
    [nic('none'), /^NIC 0: network none connects nothing/],
    [nic(bridge, { address: '192.0.2.1' }), /^NIC 0: address 192\.0\.2\.1 needs a netmask/],
    [nic(bridge, { vlans: [7] }), /^NIC 0: bridge \S+ (cannot have VLANs|does not keep VLANs apart)/],
  ] as const) {
    const guest = newGuest({ nics: [bad] });
    await t.throwsAsync(containers.guest('CreateContainer', guest), { message });
    await t.throwsAsync(containers.guest('Status', guest), { message: /: not found$/ });
  }
});

test('does not start a guest whose bridge is gone', async (t) => {
  const containers = await shared.containers();
  const bridge = `mct${randomBytes(4).toString('hex')}`;
  await execa('ip', ['link', 'add', bridge, 'type', 'bridge']);
  const guest = newGuest({ nics: [nic(bridge)] });
  await containers.guest('CreateContainer', guest);
  await execa('ip', ['link', 'delete', bridge]);
  await t.throwsAsync(containers.guest('StartContainer', guest), {
    message: /bridge mct.* no longer exists/,
  });
  await until(
    'the guest is stopped',
    async () => (await containers.guest('Status', guest)).guest.state === 'stopped',
  );
});

test('reports the state of a guest whose NICs cannot be connected', async (t) => {
  const engine = await startEngine();
  t.teardown(() => engine.stop());
  const bridge = `mct${randomBytes(4).toString('hex')}`;
  await execa('ip', ['link', 'add', bridge, 'type', 'bridge']);
  const containers = await startTestContainers(t, engine.socket);
  const lost = newGuest({ nics: [nic(bridge)] });
  await containers.guest('CreateContainer', lost);
  await execa('ip', ['link', 'delete', bridge]);
  await engine.run('start', containerName(lost.id));
  await containers.close();
  const restarted = await startTestContainers(t, engine.socket, { dir: containers.dir });
  t.is((await restarted.guest('Status', lost)).guest.state, 'running');
});

test('a guest on an engine network does not ask Open vSwitch, which may hang', async (t) => {
  const asked = join(await tempDir(t), 'asked');
  const name = networkName();
  await wrapProgram(t, 'ovs-vsctl', `[[ "$*" != *${name}* ]] || { echo "$@" >> ${asked}; exec sleep 600; }`);
  const containers = await shared.containers();
  await (await shared.engine()).createNetwork(name);
  const guest = newGuest({ nics: [nic(name)], container: { command: 'sleep 600' } });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  t.is((await containers.guest('Status', guest)).guest.state, 'running');
  await containers.guest('DeleteContainer', guest);
  t.false(existsSync(asked));
});
