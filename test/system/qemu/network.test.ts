import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { execa } from 'execa';
import { tapName } from '../../../lib/subagents/shared/network/nics.js';
import { makeBridge } from '../../helpers/bridge.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img', 'ip', 'root');

const exists = (device: string): boolean => existsSync(`/sys/class/net/${device}`);

test('gives a NIC on a bridge a tap that is up and joined to the bridge', async (t) => {
  const bridge = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  const { guest } = await host.call('Create', { id, ...TINY, nics: [{ network: bridge }] });
  const tap = guest.nics?.[0]?.device ?? '';
  t.is(tap, tapName(id, 0));
  t.true(existsSync(`/sys/class/net/${bridge}/brif/${tap}`));
  t.is((await readFile(`/sys/class/net/${tap}/operstate`, 'utf8')).trim(), 'up');
});

test('removes the taps at poweroff and creates them again at the next start', async (t) => {
  const bridge = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', {
    id,
    ...TINY,
    nics: [{ network: bridge }, { network: bridge, model: 'e1000' }],
  });
  t.true(exists(tapName(id, 0)) && exists(tapName(id, 1)));
  await host.call('Poweroff', { id });
  t.false(exists(tapName(id, 0)) || exists(tapName(id, 1)));
  await host.call('Run', { id });
  t.true(exists(tapName(id, 0)));
});

test('removes the tap of a killed guest', async (t) => {
  const bridge = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, nics: [{ network: bridge }] });
  process.kill(await host.pid(id), 'SIGKILL');
  await until('the guest is crashed', async () => (await host.streamedState(id))?.state === 'crashed');
  t.false(exists(tapName(id, 0)));
});

test('leaves no tap after a failed start', async (t) => {
  const bridge = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  const nics = [{ network: bridge }, { network: 'br-none-7' }];
  await t.throwsAsync(host.call('Create', { id, ...TINY, nics }));
  t.false(exists(tapName(id, 0)));
});

test('replaces a tap that an interrupted start left behind', async (t) => {
  const bridge = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  await execa('ip', ['tuntap', 'add', 'dev', tapName(id, 0), 'mode', 'tap']);
  const { guest } = await host.call('Create', { id, ...TINY, nics: [{ network: bridge }] });
  t.is(guest.state, 'running');
});

test('counts packets left unread by the guest as dropped on receive', async (t) => {
  const subnet = `198.18.${randomInt(256)}`;
  const bridge = await makeBridge(t, `${subnet}.1/24`);
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, nics: [{ network: bridge, name: 'lan' }] });
  const socket = createSocket('udp4').bind();
  t.teardown(() => socket.close());
  await once(socket, 'listening');
  socket.setBroadcast(true);
  const send = promisify<string, number, string>(socket.send.bind(socket));
  const drops = async (): Promise<number> => (await host.measure('NicMetrics', id)).nic?.lan?.rx_drops ?? 0;
  // The firmware has no driver for the NIC, so packets fill the tap's queue.
  await until('packets are dropped', async () => {
    for (let n = 0; n < 200; n += 1) await send('x', 9, `${subnet}.255`);
    return (await drops()) > 0;
  });
  const { nic } = await host.measure('NicMetrics', id);
  t.like(nic, { lan: { name: 'lan', tx_packets: 0, tx_drops: 0 } });
});

test('keeps VLANs on a Linux bridge apart, and rejects them where the bridge or the kernel cannot', async (t) => {
  const bridge = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  const create = () => host.call('Create', { id, ...TINY, nics: [{ network: bridge, vlans: [7] }] });
  if (!exists(`${bridge}/bridge/vlan_filtering`)) {
    await t.throwsAsync(create(), {
      message: /^NIC 0: bridge \S+ cannot have VLANs/,
    });
    return;
  }
  await t.throwsAsync(create(), { message: /^NIC 0: bridge \S+ does not keep VLANs apart/ });
  await execa('ip', ['link', 'set', bridge, 'type', 'bridge', 'vlan_filtering', '1']);
  await create();
  const { stdout } = await execa('bridge', ['-j', 'vlan', 'show', 'dev', tapName(id, 0)]);
  t.like(JSON.parse(stdout), [{ vlans: [{ vlan: 7, flags: ['PVID', 'Egress Untagged'] }] }]);
});

test('rejects invalid addresses, names and VLANs before changing anything', async (t) => {
  const network = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  const nic = { network, address: '192.0.2.10', netmask: '255.255.255.0' };
  const cases: [Record<string, unknown>, RegExp][] = [
    [
      { nics: [{ ...nic, gateway: '198.51.100.1' }] },
      /^NIC 0: gateway 198\.51\.100\.1 is not in the network/,
    ],
    [{ nics: [{ ...nic, netmask: '255.0.255.0' }] }, /^NIC 0: netmask 255\.0\.255\.0 is invalid/],
    [{ nics: [{ network, vlans: [7, 7] }] }, /^NIC 0: VLAN 7 is listed twice/],
    [{ metadata: { hostname: 'no name' } }, /^metadata hostname "no name" is not a valid host name/],
  ];
  for (const [more, message] of cases) {
    await t.throwsAsync(host.call('Create', { id, ...TINY, ...more }), { message });
    t.false(existsSync(host.stateFile(id)) || exists(tapName(id, 0)));
  }
});
