import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import ava, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { tapName } from '../../../lib/subagents/shared/network/nics.js';
import {
  newGuest,
  newSubnet,
  SharedPodman,
  startTestContainers,
  TestPodman,
  needsPodman as test,
} from '../../helpers/podman.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedPodman();
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

const inside = async (id: string, ...command: string[]): Promise<string> =>
  (await shared.podman()).run('exec', containerName(id), ...command);

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
const PINGING = { command: 'sleep 600', 'cap-add': 'NET_RAW' };

test('a guest on a bridge has the address, MAC and gateway of its NIC, also after a restart', async (t) => {
  const { bridge, subnet } = await makeBridge(t);
  const containers = await shared.containers();
  const address = { address: `${subnet}.2`, netmask: '255.255.255.0', gateway: `${subnet}.1` };
  const nics = [nic(bridge, { ...address, mac: '52:54:00:aa:bb:cc', name: 'lan' })];
  const guest = newGuest({ nics, metadata: PINGING });
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
    newGuest({ nics: [nic(bridge, { address: `${subnet}.${host}/24` })], metadata: PINGING }),
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
  await (await shared.podman()).run('start', containerName(guest.id));
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
  const engine = await shared.podman();
  const subnet = newSubnet();
  const name = `mcn${randomBytes(4).toString('hex')}`;
  await engine.run('network', 'create', '--disable-dns', '--subnet', `${subnet}.0/24`, name);
  const nics = [nic(bridge), nic(name, { address: `${subnet}.7`, netmask: '24' })];
  const guest = newGuest({ nics });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  t.regex(await inside(guest.id, 'ip', 'address', 'show', 'eth0'), new RegExp(`${subnet}.7/24`));
  t.regex(await inside(guest.id, 'ip', 'link', 'show', 'eth1'), /52:54:00/);
  const { nic: metrics } = await containers.guest('NicMetrics', guest);
  t.deepEqual(Object.keys(metrics).sort(), ['net0', 'net1']);
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

test('a NIC on the default network has the MAC and the address that it asks for', async (t) => {
  const containers = await shared.containers();
  const podman = await shared.podman();
  const network = await podman.run(
    'network',
    'inspect',
    '--format',
    '{{(index .Subnets 0).Subnet}}',
    'podman',
  );
  const [high, low] = network.split('.');
  const host = randomBytes(1).readUInt8();
  const address = `${high}.${low}.77.${host}`;
  const other = `mcn${randomBytes(4).toString('hex')}`;
  await podman.run('network', 'create', '--disable-dns', '--subnet', `${newSubnet()}.0/24`, other);
  const asked = nic('user', { mac: '52:54:00:00:00:77', address: `${address}/16` });
  for (const [nics, device] of [
    [[asked], 'eth0'],
    [[nic(other), asked], 'eth1'],
  ] as const) {
    const guest = newGuest({ nics: [...nics] });
    await containers.guest('CreateContainer', guest);
    await containers.guest('StartContainer', guest);
    const shown = await inside(guest.id, 'ip', 'address', 'show', device);
    t.regex(shown, /52:54:00:00:00:77/);
    t.regex(shown, new RegExp(`inet ${address}/`));
    await containers.guest('DeleteContainer', guest);
  }
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
  const podman = await TestPodman.start();
  t.teardown(() => podman.stop());
  const bridge = `mct${randomBytes(4).toString('hex')}`;
  await execa('ip', ['link', 'add', bridge, 'type', 'bridge']);
  const containers = await startTestContainers(t, podman.socket);
  const lost = newGuest({ nics: [nic(bridge)] });
  await containers.guest('CreateContainer', lost);
  await execa('ip', ['link', 'delete', bridge]);
  await podman.run('start', containerName(lost.id));
  await containers.close();
  const restarted = await startTestContainers(t, podman.socket, { dir: containers.dir });
  t.is((await restarted.guest('Status', lost)).guest.state, 'running');
});
