import { randomInt, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { QmpClient } from '../../../lib/qmp/client.js';
import { tapName } from '../../../lib/subagents/shared/network/nics.js';
import { makeBridge } from '../../helpers/bridge.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('genisoimage', 'ip', 'root', ...LINUX_PARTS);

const exists = (device: string): boolean => existsSync(`/sys/class/net/${device}`);

/** Asks a guest's QEMU what it has of networks, beside its sub-agent. */
const infoNetwork = async (host: QemuHost, id: string): Promise<string> => {
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  try {
    return await qmp.execute<string>('human-monitor-command', { 'command-line': 'info network' });
  } finally {
    qmp.close();
  }
};

/** Gives eth1 addresses as soon as it is there, and says what becomes of it. */
const watchSecond = (addresses: readonly string[], peers: readonly string[]): string =>
  [
    '#!/bin/sh',
    'old=',
    'say() { [ "$old" = "$*" ] || echo "mistify-guest: $*"; old="$*"; }',
    'while sleep 0.1; do',
    '  if ! [ -e /sys/class/net/eth1 ]; then say "no eth1"; continue; fi',
    '  if ! ip address show eth1 | grep -q inet; then',
    ...addresses.map((address) => `    ip address add ${address}/24 dev eth1`),
    '    ip link set eth1 up; sleep 0.3',
    '  fi',
    '  if [ "$(cat /sys/class/net/eth1/carrier)" = 0 ]; then say "eth1 unplugged"; continue; fi',
    ...peers.map(
      (peer) => `  ping -c 1 -W 1 ${peer} > /dev/null 2>&1 && { say "eth1 reaches ${peer}"; continue; }`,
    ),
    '  say "eth1 reaches nothing"',
    'done',
    '',
  ].join('\n');

test('gives a running guest a NIC, moves it to another bridge, unplugs its cable, and removes it', async (t) => {
  const [one, two] = [`198.18.${randomInt(128)}`, `198.18.${128 + randomInt(128)}`];
  const [first, second] = [await makeBridge(t, `${one}.1/24`), await makeBridge(t, `${two}.1/24`)];
  const host = await QemuHost.start(t);
  const peers = [`${one}.1`, `${two}.1`];
  const guest = await LinuxGuest.create(t, host, {
    nics: [{ network: 'user' }],
    metadata: { 'user-data': watchSecond([`${one}.2`, `${two}.2`], peers) },
  });
  const { id } = guest;
  await guest.says('no eth1');
  const pid = await host.pid(id);

  const added = await host.change('AddNic', id, { nic: { network: first } }, randomUUID());
  t.like(added.guest.nics, [{ name: 'net0' }, { name: 'net1', network: first, device: tapName(id, 1) }]);
  t.regex(added.message ?? '', /^the guest has NIC net1 \(52:54:00:\S+\) on network \S+$/);
  await guest.says(`eth1 reaches ${one}.1`);
  t.true(((await host.measure('NicMetrics', id)).nic?.net1?.rx_packets ?? 0) > 0);

  const moved = await host.change('ChangeNic', id, { name: 'net1', nic: { network: second } });
  t.is(moved.message, `NIC net1 is on network ${second}`);
  await guest.says('eth1 unplugged');
  await guest.says(`eth1 reaches ${two}.1`);
  t.true(existsSync(`/sys/class/net/${second}/brif/${tapName(id, 1)}`));
  t.false(existsSync(`/sys/class/net/${first}/brif/${tapName(id, 1)}`));

  const unplugged = await host.change('ChangeNic', id, { name: 'net1', nic: { link: 'down' } });
  t.like(unplugged.guest.nics?.[1], { link: 'down' });
  await guest.says('eth1 unplugged', 2);
  await host.call('Poweroff', { id });
  await host.call('Run', { id });
  await guest.says('boot 2');
  await guest.says('eth1 unplugged', 3);
  await host.change('ChangeNic', id, { name: 'net1', nic: { link: 'up' } });
  await guest.says(`eth1 reaches ${two}.1`, 2);
  t.not(await host.pid(id), pid);

  const removed = await host.change('RemoveNic', id, { name: 'net1' });
  t.is(removed.message, 'NIC net1 is removed');
  t.is(removed.guest.nics?.length, 1);
  await guest.says('no eth1', 2);
  t.false(exists(tapName(id, 1)));
  t.notRegex(await infoNetwork(host, id), /nic1|hostnet1/);
  t.is((await guest.console()).split('mistify-guest: boot ').length, 3);
});

test('gives a guest that was off its added NIC at its start, with the address in the seed', async (t) => {
  const subnet = `198.19.${randomInt(256)}`;
  const network = await makeBridge(t, `${subnet}.1/24`);
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host, { metadata: { hostname: 'web' } });
  const { id } = guest;
  await host.call('Poweroff', { id });
  const nic = { network, address: `${subnet}.2/24` };
  const { message } = await host.change('AddNic', id, { nic });
  t.regex(message ?? '', /at its next start; its address \S+ is in the seed of the next start$/);
  await host.call('Run', { id });
  await guest.says(`address ${subnet}.2/24`);
  const late = await host.change('ChangeNic', id, { name: 'net0', nic: { address: `${subnet}.3/24` } });
  t.regex(late.message ?? '', /^NIC net0 gets the address \S+ by the seed of the guest's next start/);
  await host.call('Poweroff', { id });
  await host.call('Run', { id });
  await guest.says(`address ${subnet}.3/24`);
});

test('removes a NIC that the guest does not let go of at the guest’s next reset', async (t) => {
  const network = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, memory: 32 });
  await host.change('AddNic', id, { nic: { network, name: 'lan' } });
  const { guest, message } = await host.change('RemoveNic', id, { name: 'lan' });
  t.regex(message ?? '', /^the guest has not let go of NIC lan yet: its cable is unplugged/);
  t.like(guest.nics, [{ name: 'lan', removing: true }]);
  t.true(exists(tapName(id, 0)));
  await t.throwsAsync(host.change('ChangeNic', id, { name: 'lan', nic: { link: 'up' } }), {
    message: /is being removed/,
  });
  await host.call('Restart', { id });
  await until('the NIC is gone', async () => (await host.streamedState(id))?.nics?.length === 0);
  t.false(exists(tapName(id, 0)));
  t.notRegex(await infoNetwork(host, id), /nic0|hostnet0/);
  t.is((await host.change('RemoveNic', id, { name: 'lan' })).message, 'the guest has no NIC lan any longer');
});
