import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import getPort from 'get-port';
import type { Guest } from '../../../lib/model/guest.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { tapName } from '../../../lib/subagents/shared/network/nics.js';
import { makeBridge } from '../../helpers/bridge.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { startQemuProgram } from '../../helpers/qemu-program.js';
import { callMethod } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img', 'ip', 'root');

const exists = (device: string): boolean => existsSync(`/sys/class/net/${device}`);

const withQmp = async <Result>(path: string, use: (qmp: QmpClient) => Promise<Result>): Promise<Result> => {
  const qmp = await QmpClient.connect(path);
  try {
    return await use(qmp);
  } finally {
    qmp.close();
  }
};

interface PciDevice {
  bus: number;
  slot: number;
  function: number;
  qdev_id: string;
  pci_bridge?: { devices?: PciDevice[] };
}

/** Returns the PCI addresses of a guest's NICs by the ids of their devices. */
const nicAddresses = async (host: QemuHost, id: string): Promise<Record<string, string>> => {
  const buses = await withQmp(host.runFile(id, 'qmp-storage.sock'), (qmp) =>
    qmp.execute<{ devices: PciDevice[] }[]>('query-pci'),
  );
  const all = buses.flatMap(({ devices }) =>
    devices.flatMap((device) => [device, ...(device.pci_bridge?.devices ?? [])]),
  );
  const nics = all.filter(({ qdev_id }) => /^nic\d+$/.test(qdev_id));
  return Object.fromEntries(nics.map((nic) => [nic.qdev_id, `${nic.bus}:${nic.slot}.${nic.function}`]));
};

test('keeps the numbers, the MAC addresses and the places of the other NICs when one is removed', async (t) => {
  const network = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  const { guest } = await host.call('Create', { id, ...TINY, nics: [{ network }, { network }, { network }] });
  const before = await nicAddresses(host, id);
  t.deepEqual(Object.keys(before).sort(), ['nic0', 'nic1', 'nic2']);
  await host.call('Poweroff', { id });
  const removed = await host.change('RemoveNic', id, { name: 'net0' });
  t.deepEqual(removed.guest.nics, guest.nics?.slice(1));
  await host.call('Run', { id });
  const { nic0, ...others } = before;
  t.deepEqual(await nicAddresses(host, id), others);
  t.false(exists(tapName(id, 0)));
  t.true(exists(tapName(id, 1)) && exists(tapName(id, 2)));

  // The new NIC gets the free number, and a root port instead of the old place.
  const added = await host.change('AddNic', id, { nic: { network } });
  t.like(added.guest.nics?.[2], { name: 'net0', device: tapName(id, 0), mac: guest.nics?.[0]?.mac });
  const { nic0: place, ...same } = await nicAddresses(host, id);
  t.deepEqual(same, others);
  t.false([nic0, undefined].includes(place));
  await host.call('Poweroff', { id });
  await host.call('Run', { id });
  // QEMU knows the bus of a root port once the firmware has numbered it.
  await until('the firmware has found all NICs', async () =>
    isDeepStrictEqual(await nicAddresses(host, id), { nic0: place, ...others }),
  );
  t.pass();
});

test('removes a NIC on the root bus at the next start, without its cable until then', async (t) => {
  const network = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, nics: [{ network }] });
  const { guest, message } = await host.change('RemoveNic', id, { name: 'net0' });
  t.regex(message ?? '', /^NIC net0 goes at the guest's next start: its cable is unplugged until then/);
  t.like(guest.nics, [{ name: 'net0', removing: true }]);
  await host.call('Restart', { id });
  t.true(exists(tapName(id, 0)));
  await host.call('Poweroff', { id });
  t.deepEqual((await host.call('Run', { id })).guest.nics, []);
  t.deepEqual(await nicAddresses(host, id), {});
});

test('takes no NIC for a running guest of layout 1, and says how to get one', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const { guest } = await host.call('CreateGuest', { id, ...TINY });
  const machine = { ...guest.machine, layout: 1 };
  const old = host.newId();
  await host.call('Create', { id: old, ...TINY, cpuModel: 'max', machine, nics: [{ network: 'user' }] });
  await t.throwsAsync(host.change('AddNic', old, { nic: { network: 'user' } }), {
    message: /its devices have layout 1, which takes no NIC while the guest runs: .*upgrade-machine/,
  });
  await t.throwsAsync(host.change('CheckAddNic', old, { nic: { network: 'user' } }), { message: /layout 1/ });
  await host.call('Poweroff', { id: old });
  await host.change('AddNic', old, { nic: { network: 'user' } });
  await host.call('Run', { id: old });
  t.deepEqual(await nicAddresses(host, old), { nic0: '0:8.0', nic1: '0:8.1' });
});

test('refuses NICs and changes that cannot work before anything changes', async (t) => {
  const network = await makeBridge(t);
  const host = await QemuHost.start(t);
  const [id, other] = [host.newId(), host.newId()];
  const nic = { network, address: '192.0.2.10/24' };
  const { guest } = await host.call('Create', { id, ...TINY, nics: [nic, { network: 'user' }] });
  const theirs = (await host.call('CreateGuest', { id: other, ...TINY, nics: [{ network }] })).guest
    .nics?.[0];
  const before = await readFile(host.stateFile(id, 'guest.json'), 'utf8');
  const refusals: [string, Record<string, unknown>, RegExp][] = [
    ['AddNic', { nic: { network, name: 'net1' } }, /has a NIC net1 already: choose another name/],
    ['AddNic', { nic: { network: 'br-none-7' } }, /^no bridge "br-none-7" on this host: create it/],
    ['AddNic', { nic: { network, model: 'ne9000' } }, /this QEMU has no network card "ne9000"/],
    ['AddNic', { nic: { network, mac: theirs?.mac } }, new RegExp(`guest ${other} has the MAC`)],
    ['AddNic', { nic }, /NIC 0 already has the address 192\.0\.2\.10$/],
    ['AddNic', { nic: {} }, /"nic\.network" is missing|"nic\.network" is required/],
    ['ChangeNic', { name: 'net9', nic: { link: 'down' } }, /has no NIC net9: not found$/],
    ['ChangeNic', { name: 'net0', nic: { network: 'user' } }, /cannot change from network \S+ to user while/],
    ['ChangeNic', { name: 'net1', nic: { network } }, /cannot change from network user to \S+ while/],
    ['ChangeNic', { name: 'net0', nic: { mac: '52:54:00:00:00:01' } }, /"mac" of a NIC is fixed/],
    ['ChangeNic', { name: 'net0', nic: { gateway: '198.51.100.1' } }, /is not in the network of/],
    ['ChangeNic', { name: 'net0', nic: { network: 'br-none-7' } }, /^no bridge "br-none-7"/],
  ];
  for (const [method, change, message] of refusals) {
    await t.throwsAsync(host.change(method, id, change), { message });
    await t.throwsAsync(host.change(`Check${method}`, id, change), { message });
  }
  t.is(await readFile(host.stateFile(id, 'guest.json'), 'utf8'), before);
  t.is(guest.nics?.length, 2);
});

test('shows what a change would do, and does not do it', async (t) => {
  const network = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, nics: [{ network: 'user' }] });
  const added = await host.change('CheckAddNic', id, { nic: { network } });
  t.like(added.guest.nics?.[1], { name: 'net1', network, device: tapName(id, 1) });
  const removed = await host.change('CheckRemoveNic', id, { name: 'net0' });
  t.like(removed.guest.nics, [{ name: 'net0', removing: true }]);
  t.false(exists(tapName(id, 1)));
  t.deepEqual(Object.keys(await nicAddresses(host, id)), ['nic0']);
});

test('takes back a NIC that it cannot plug in', async (t) => {
  const network = await makeBridge(t);
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  // A device of the host that is no tap of the guest has the name of the NIC's tap.
  await execa('ip', ['link', 'add', tapName(id, 0), 'type', 'bridge']);
  await execa('ip', ['link', 'set', tapName(id, 0), 'alias', 'another']);
  t.teardown(() => execa('ip', ['link', 'delete', tapName(id, 0)]));
  await t.throwsAsync(host.change('AddNic', id, { nic: { network } }), { message: /^ip tuntap add/ });
  t.deepEqual((await host.streamedState(id))?.nics, []);
  t.deepEqual(await nicAddresses(host, id), {});
  t.like((await host.change('AddNic', id, { nic: { network: 'user' } })).guest.nics, [{ name: 'net0' }]);
});

test('adds one NIC and removes it, however often the sub-agent is killed meanwhile', async (t) => {
  t.timeout(300_000);
  const network = await makeBridge(t);
  const [dir, port, id] = [await tempDir(t), await getPort(), randomUUID()];
  let program = await startQemuProgram(t, dir, port);
  const call = (method: string, request: Record<string, unknown>, job?: string) =>
    callMethod(
      port,
      `Libvirt.${method}`,
      { guest: { id }, action: method, ...request },
      job === undefined ? undefined : { job, stage: 0, attempt: 1 },
    );
  t.like(await call('Create', { guest: { id, ...TINY }, action: 'create' }), { error: null });
  const killAfter = async (ms: number, method: string, change: Record<string, unknown>, job: string) => {
    const interrupted = call(method, { change }, job).catch(() => undefined);
    await sleep(ms);
    program.kill('SIGKILL');
    await interrupted;
    program = await startQemuProgram(t, dir, port);
    const { error, result } = await call(method, { change }, job);
    t.is(error, null);
    return (result as { guest: Guest }).guest.nics;
  };
  const devices = () =>
    withQmp(join(dir, 'run', id, 'qmp-storage.sock'), (qmp) =>
      qmp.execute<string>('human-monitor-command', { 'command-line': 'info network' }),
    );
  try {
    for (const ms of [1, 5, 10, 20, 40, 80]) {
      const nics = await killAfter(ms, 'AddNic', { nic: { network } }, randomUUID());
      t.like(nics, [{ name: 'net0', device: tapName(id, 0) }]);
      t.is(nics?.length, 1);
      t.true(existsSync(`/sys/class/net/${network}/brif/${tapName(id, 0)}`));
      t.is((await devices()).split('nic0').length, 2, await devices());
      await killAfter(ms, 'RemoveNic', { name: 'net0' }, randomUUID());
      // The firmware lets go of no device.
      t.like(await call('Restart', {}), { error: null });
      const { result } = await call('RemoveNic', { change: { name: 'net0' } }, randomUUID());
      t.deepEqual((result as { guest: Guest }).guest.nics, []);
      t.notRegex(await devices(), /nic0|hostnet0/);
      t.false(exists(tapName(id, 0)));
    }
  } finally {
    await call('Delete', {});
  }
});
