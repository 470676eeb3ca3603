import { readFile, writeFile } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { QmpClient } from '../../../lib/qmp/client.js';
import type { GuestRecord } from '../../../lib/subagents/qemu/guests/records.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

const readRecord = async (host: QemuHost, id: string): Promise<GuestRecord> =>
  JSON.parse(await readFile(host.stateFile(id, 'guest.json'), 'utf8')) as GuestRecord;

/** Changes a guest's record while no sub-agent runs. */
const rewriteRecord = async (
  host: QemuHost,
  id: string,
  change: (record: GuestRecord) => GuestRecord,
): Promise<void> => {
  await host.stop();
  await writeFile(host.stateFile(id, 'guest.json'), JSON.stringify(change(await readRecord(host, id))));
  await host.launch();
};

/** What an earlier version recorded of a guest. */
const withoutMachine = ({ machine: _, ...record }: GuestRecord): GuestRecord => record;

const withType =
  (type: string) =>
  (record: GuestRecord): GuestRecord =>
    record.machine ? { ...record, machine: { ...record.machine, type } } : record;

/** The machine type that a guest's QEMU runs, and the number of its root ports. */
const running = async (host: QemuHost, id: string): Promise<{ type: string; ports: number }> => {
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  try {
    const type = await qmp.execute<string>('qom-get', { path: '/machine', property: 'type' });
    const devices = await qmp.execute<{ type: string }[]>('qom-list', { path: '/machine/peripheral' });
    const ports = devices.filter((device) => device.type === 'child<pcie-root-port>').length;
    return { type: type.replace(/-machine$/, ''), ports };
  } finally {
    qmp.close();
  }
};

test('fixes the hardware of a new guest at its creation, and tells it', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const { guest } = await host.call('Create', { id, ...TINY, cpuModel: 'Nehalem' });
  t.regex(guest.machine?.type ?? '', /^pc-q35-\d+\.\d+$/);
  t.like(guest.machine, { layout: 2, firmware: 'bios', sockets: 1, threads: 1 });
  t.is(guest.cpuModel, 'Nehalem');
  t.deepEqual(await running(host, id), { type: guest.machine?.type ?? '', ports: 16 });
  t.deepEqual((await host.streamedState(id))?.machine, guest.machine ?? undefined);
  const { guest: again } = await host.call('Create', { id, ...TINY, memory: 48 });
  t.deepEqual(again.machine, guest.machine);
});

const PLAIN_8 = { type: 'pc-q35-6.2', layout: 1, firmware: 'bios', sockets: 1, threads: 1 };

test('creates a guest with the hardware that it brings from another host', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const { guest } = await host.call('Create', { id, ...TINY, machine: PLAIN_8 });
  t.deepEqual(guest.machine, PLAIN_8);
  t.deepEqual(await running(host, id), { type: 'pc-q35-6.2', ports: 0 });
  await host.call('Poweroff', { id });
  await host.call('CreateGuest', { id, ...TINY, memory: 48 });
  await host.call('Run', { id });
  t.is((await running(host, id)).type, 'pc-q35-6.2');
});

test('rejects hardware that this QEMU cannot give, before anything is made', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const create = (more: object) => host.call('Create', { id, ...TINY, ...more });
  await t.throwsAsync(create({ machine: { ...PLAIN_8, type: 'pc-q35-99.0' } }), {
    message: /has no machine type pc-q35-99\.0 \(its newest is pc-q35-/,
  });
  await t.throwsAsync(create({ cpuModel: 'Pentium9' }), { message: /has no CPU model Pentium9/ });
  await t.throwsAsync(create({ cpuModel: 'Haswell' }), {
    message: /cannot give CPU model Haswell its features/,
  });
  await t.throwsAsync(host.call('Status', { id }), { message: /not found/ });
});

test('records what a running guest of an earlier version runs as, and keeps it', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, machine: PLAIN_8 });
  await rewriteRecord(host, id, withoutMachine);
  const { machine } = await readRecord(host, id);
  t.like(machine, { type: 'pc-q35-6.2', layout: 1, cpuModel: 'max' });
  t.like(await host.streamedState(id), { machine: PLAIN_8, cpuModel: 'max' });
  await host.call('Poweroff', { id });
  await host.call('Run', { id });
  t.deepEqual(await running(host, id), { type: 'pc-q35-6.2', ports: 0 });
});

test('records what the alias means now for a guest of an earlier version that is off', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY });
  const newest = (await readRecord(host, id)).machine?.type ?? '';
  await rewriteRecord(host, id, withoutMachine);
  t.like((await readRecord(host, id)).machine, { type: newest, layout: 1 });
  await host.call('Run', { id });
  t.deepEqual(await running(host, id), { type: newest, ports: 0 });
});

const assertRefused = async (t: ExecutionContext, host: QemuHost, id: string): Promise<void> => {
  await t.throwsAsync(host.call('Run', { id }), {
    message: /does not start: QEMU \S+ on this host has no machine type pc-q35-1\.0 .*upgrade-machine/,
  });
};

test('refuses to start a guest whose machine type is gone, after it has warned of it', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY });
  await rewriteRecord(host, id, withType('pc-q35-1.0'));
  const warning = /^the next start of the guest will fail: .* no machine type pc-q35-1\.0/;
  t.regex((await host.streamedState(id))?.warnings?.join() ?? '', warning);
  t.regex((await host.call('Status', { id })).guest.warnings?.join() ?? '', warning);
  await assertRefused(t, host, id);
  t.is(await host.state(id), 'shutoff');
});

test('an upgrade moves a guest that is off on at once, and a running one at its next start', async (t) => {
  const host = await QemuHost.start(t);
  const [off, on] = [host.newId(), host.newId()];
  await host.call('CreateGuest', { id: off, ...TINY, machine: PLAIN_8 });
  await host.call('Create', { id: on, ...TINY, machine: PLAIN_8 });
  const { guest } = await host.call('UpgradeMachine', { id: off });
  const newest = guest.machine?.type ?? '';
  t.like(guest.machine, { layout: 2, next: undefined });
  t.not(newest, PLAIN_8.type);
  const cpuOnly = await host.call('UpgradeMachine', { id: on }, { cpuModel: 'Nehalem' });
  t.deepEqual(cpuOnly.guest.machine?.next, { type: PLAIN_8.type, layout: 1, cpuModel: 'Nehalem' });
  t.regex(cpuOnly.message ?? '', /^the guest gets CPU model Nehalem instead of max at its next start/);
  const cancelled = await host.call('UpgradeMachine', { id: on }, { type: PLAIN_8.type });
  t.deepEqual(cancelled.guest.machine, PLAIN_8);
  t.regex(cancelled.message ?? '', /is cancelled/);
  const wish = { type: newest, cpuModel: 'Nehalem' };
  t.like((await host.call('CheckUpgrade', { id: on }, wish)).guest.machine, { next: { type: newest } });
  const later = await host.call('UpgradeMachine', { id: on }, wish);
  t.deepEqual(later.guest.machine, { ...PLAIN_8, next: { type: newest, layout: 2, cpuModel: 'Nehalem' } });
  t.regex(later.message ?? '', /at its next start: .* use reboot; restart is not enough/);
  await host.call('Restart', { id: on });
  t.deepEqual(await running(host, on), { type: PLAIN_8.type, ports: 0 });
  await host.call('Poweroff', { id: on });
  const { guest: started } = await host.call('Run', { id: on });
  t.deepEqual(started.machine, { ...PLAIN_8, type: newest, layout: 2 });
  t.is(started.cpuModel, 'Nehalem');
  t.deepEqual(await running(host, on), { type: newest, ports: 16 });
});

test('an upgrade is the way out for a guest whose machine type is gone, and names a type if asked', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY });
  await rewriteRecord(host, id, withType('pc-q35-1.0'));
  await assertRefused(t, host, id);
  await t.throwsAsync(host.call('CheckUpgrade', { id }, { type: 'pc-q35-99.0' }), {
    message: /has no machine type pc-q35-99\.0/,
  });
  const { guest } = await host.call('UpgradeMachine', { id }, { type: PLAIN_8.type });
  t.is(guest.machine?.type, PLAIN_8.type);
  t.is((await host.call('Run', { id })).guest.state, 'running');
});
