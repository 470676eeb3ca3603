import { randomInt, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import getPort from 'get-port';
import { tapName } from '../../../lib/subagents/shared/network/nics.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { OVS_PARTS, Ovs } from '../../helpers/ovs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { startQemuProgram } from '../../helpers/qemu-program.js';
import { callMethod } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img', ...OVS_PARTS);
const linuxTest = needs('genisoimage', ...LINUX_PARTS, ...OVS_PARTS);

const exists = (device: string): boolean => existsSync(`/sys/class/net/${device}`);

/** Waits until a bridge has no port: a slow Open vSwitch does not hold up the end of a guest. */
const noPorts = (ovs: Ovs, network: string): Promise<unknown> =>
  until('no port is left', async () => (await ovs.ports(network)).length === 0, 60_000);

const setUp = async (t: ExecutionContext): Promise<{ ovs: Ovs; network: string; host: QemuHost }> => {
  const ovs = await Ovs.use(t);
  const network = await ovs.makeBridge(t);
  return { ovs, network, host: await QemuHost.start(t, ovs.db) };
};

test('gives a NIC on an Open vSwitch bridge a tap that is up and a port marked with the guest’s id', async (t) => {
  const { ovs, network, host } = await setUp(t);
  const id = host.newId();
  const { guest } = await host.call('Create', { id, ...TINY, nics: [{ network }] });
  const tap = guest.nics?.[0]?.device ?? '';
  t.is(tap, tapName(id, 0));
  t.deepEqual(await ovs.ports(network), [tap]);
  t.is(await ovs.vsctl('get', 'Port', tap, 'external-ids'), `{mistify-guest="${id}"}`);
  t.is(await ovs.vsctl('get', 'Interface', tap, 'error'), '[]');
});

test('makes an access port for one VLAN, a trunk for several, and a default port for none', async (t) => {
  const { ovs, network, host } = await setUp(t);
  const id = host.newId();
  const nics = [
    { network, vlans: [7] },
    { network, vlans: [7, 8] },
    { network, vlans: [] },
  ];
  await host.call('Create', { id, ...TINY, nics });
  const columns = async (n: number): Promise<string[]> =>
    Promise.all(
      ['tag', 'trunks', 'vlan_mode'].map((column) => ovs.vsctl('get', 'Port', tapName(id, n), column)),
    );
  t.deepEqual(await columns(0), ['7', '[]', 'access']);
  t.deepEqual(await columns(1), ['[]', '[7, 8]', 'trunk']);
  t.deepEqual(await columns(2), ['[]', '[]', '[]']);
});

test('removes ports and taps at poweroff and creates them again at the next start', async (t) => {
  const { ovs, network, host } = await setUp(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, nics: [{ network }, { network, model: 'e1000' }] });
  t.is((await ovs.ports(network)).length, 2);
  await host.call('Poweroff', { id });
  await noPorts(ovs, network);
  t.false(exists(tapName(id, 0)) || exists(tapName(id, 1)));
  await host.call('Run', { id });
  t.is((await ovs.ports(network)).length, 2);
});

test('removes the port of a killed guest', async (t) => {
  const { ovs, network, host } = await setUp(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, nics: [{ network }] });
  process.kill(await host.pid(id), 'SIGKILL');
  await until('the guest is crashed', async () => (await host.streamedState(id))?.state === 'crashed');
  await noPorts(ovs, network);
  t.false(exists(tapName(id, 0)));
});

test('removes ports of guests that ended while no sub-agent ran, with or without their taps', async (t) => {
  const ovs = await Ovs.use(t);
  const network = await ovs.makeBridge(t);
  const [dir, port] = [await tempDir(t), await getPort()];
  const first = await startQemuProgram(t, dir, port, '--ovs-db', ovs.db);
  const ids = [randomUUID(), randomUUID()];
  for (const id of ids) {
    const guest = { id, ...TINY, nics: [{ network }] };
    t.like(await callMethod(port, 'Libvirt.Create', { guest, action: 'create' }), { error: null });
  }
  t.is((await ovs.ports(network)).length, 2);
  const pids = await Promise.all(ids.map((id) => readFile(join(dir, 'run', id, 'pid'), 'utf8')));
  first.kill('SIGKILL');
  for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
  await until('both have exited', () => pids.every((pid) => !existsSync(`/proc/${pid.trim()}`)));
  await execa('ip', ['link', 'delete', tapName(ids[0] ?? '', 0)]);
  await startQemuProgram(t, dir, port, '--ovs-db', ovs.db);
  await noPorts(ovs, network);
  t.false(ids.some((id) => exists(tapName(id, 0))));
});

test('leaves no port after a failed start', async (t) => {
  const { ovs, network, host } = await setUp(t);
  const id = host.newId();
  const source = join(dirname(await host.makeDisk(id)), 'broken.qcow2');
  await writeFile(source, 'not a qcow2');
  await t.throwsAsync(host.call('Create', { id, ...TINY, disks: [{ source }], nics: [{ network }] }));
  await noPorts(ovs, network);
});

test('reports a tap that Open vSwitch cannot add in its own words', async (t) => {
  const { ovs, network, host } = await setUp(t);
  const id = host.newId();
  const other = await ovs.makeBridge(t);
  const tap = tapName(id, 0);
  await ovs.vsctl('add-port', other, tap, '--', 'set', 'Interface', tap, 'type=internal');
  const failing = host.call('Create', { id, ...TINY, nics: [{ network }] });
  await t.throwsAsync(failing, { message: new RegExp(`^NIC 0: .*port named ${tap}`) });
  await ovs.vsctl('del-port', tap);
  t.false(exists(tap));
});

linuxTest('connects guests of one VLAN, over TCP too, and isolates those of another', async (t) => {
  const { network, host } = await setUp(t);
  const net = `198.19.${randomInt(256)}`;
  const create = (n: number, vlan: number, ...lines: string[]): Promise<LinuxGuest> =>
    LinuxGuest.create(t, host, {
      nics: [{ network, vlans: [vlan], address: `${net}.${n}/24`, name: 'lan' }],
      metadata: { 'user-data': ['#!/bin/sh', ...lines, ''].join('\n') },
    });
  const look = (...others: number[]): string[] => [
    'while sleep 0.5; do',
    ...others.map(
      (n) =>
        `ping -c 1 -W 1 ${net}.${n} > /dev/null && echo "mistify-guest: sees ${n}" || echo "mistify-guest: misses ${n}"`,
    ),
    `[ "$(wget -q -O - http://${net}.2/hello)" = hello ] && echo "mistify-guest: fetched it"`,
    'done',
  ];
  const serve = [
    'mkdir /run/www',
    'echo hello > /run/www/hello',
    'httpd -h /run/www',
    'echo "mistify-guest: serves"',
  ];
  const server = await create(2, 10, ...serve);
  const stranger = await create(3, 20, ...look(2));
  const neighbour = await create(4, 10, ...look(2, 3));
  await Promise.all([server.says('serves'), stranger.says('misses 2', 3)]);
  await neighbour.says('fetched it', 2);
  await neighbour.says('misses 3', 3);
  t.false((await neighbour.console()).includes('sees 3'));
  const missed = (await stranger.console()).split('misses 2').length - 1;
  await stranger.says('misses 2', missed + 2);
  t.false((await stranger.console()).includes('sees 2'));
  const { nic } = await host.measure('NicMetrics', neighbour.id);
  t.true((nic?.lan?.rx_packets ?? 0) > 0 && (nic?.lan?.tx_bytes ?? 0) > 0);
});
