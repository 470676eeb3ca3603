import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { QmpClient } from '../../../lib/qmp/client.js';
import type { GuestRecord } from '../../../lib/subagents/qemu/guests/records.js';
import { renewGeneration } from '../../../lib/subagents/shared/generation.js';
import { view } from '../../helpers/console.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { OVMF } from '../../helpers/parts.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';

const test = needs('qemu-system-x86_64', 'qemu-img');
const linuxTest = needs(...LINUX_PARTS);

const pluggingTest = needs('qemu-system-x86_64', 'qemu-img', 'python3');
const firmwareTest = needs('qemu-system-x86_64', 'qemu-img', 'swtpm', OVMF);

// Guarantees: G26.

const createTiny = async (t: ExecutionContext, guest: Record<string, unknown> = {}) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  await host.call('Create', { id, ...TINY, disks: [{ source }], ...guest });
  return { host, id, dir: dirname(source), memory: host.stateFile(id, 'memory') };
};

type Tiny = Awaited<ReturnType<typeof createTiny>>;

/** Stops the sub-agent, changes a guest's record as if it had been killed at another moment, and starts it again. */
const relaunchWith = async (
  { host, id }: Tiny,
  change: (record: GuestRecord) => Partial<GuestRecord>,
): Promise<void> => {
  await host.stop();
  const path = host.stateFile(id, 'guest.json');
  const record = JSON.parse(await readFile(path, 'utf8')) as GuestRecord;
  await writeFile(path, JSON.stringify({ ...record, ...change(record) }));
  await host.launch();
};

/** The seconds that the guest has been up, by its latest line. */
const uptimeOf = async (guest: LinuxGuest): Promise<number> => {
  const lines = [...(await guest.console()).matchAll(/alive ([\d.]+)/g)];
  return Number(lines.at(-1)?.[1] ?? 0);
};

linuxTest('resumes a guest where it was when its memory was saved', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host, { memory: 128, maxMemory: 512, maxCpu: 2 });
  await guest.says('up');
  await host.change('Update', guest.id, { memory: 256, cpu: 2 });
  await guest.says('alive', 2);
  const saved = await host.call('Save', { id: guest.id });
  const { stdout } = await execa('qemu-img', ['info', '--output=json', guest.disk]);
  const sectors = (JSON.parse(stdout) as { 'virtual-size': number })['virtual-size'] / 512;
  await execa('qemu-img', ['resize', '-q', guest.disk, '+64M']);
  t.like(saved.guest, { state: 'shutoff', reason: 'saved', memory: 256, cpu: 2 });
  t.regex(saved.message ?? '', /^\d+ MB of memory saved$/);
  t.false(existsSync(host.runFile(guest.id)));
  const before = await uptimeOf(guest);
  const { guest: resumed } = await host.call('Run', { id: guest.id });
  t.like(resumed, { state: 'running', memory: 256, cpu: 2 });
  const count = (await guest.console()).split('alive').length;
  await guest.says('alive', count + 1);
  t.true((await uptimeOf(guest)) > before);
  t.is((await guest.console()).split('mistify-guest: up').length, 2);
  const viewer = await view(`${host.consoleUrl('serial', guest.id)}&scrollback=0`);
  viewer.type('echo "has $(cat /sys/block/vda/size) sectors"\r');
  await viewer.sees(`has ${sectors + 64 * 2048} sectors`, 60_000);
  t.false(existsSync(host.stateFile(guest.id, 'memory')));
});

test('keeps the memory across a restart of the sub-agent, readable by root only', async (t) => {
  const { host, id, memory } = await createTiny(t);
  await host.call('Save', { id });
  await host.stop();
  await host.launch();
  t.like(await host.streamedState(id), { state: 'shutoff', reason: 'saved' });
  t.is((await stat(memory)).mode & 0o777, 0o600);
  t.is((await host.call('Save', { id })).message, 'its memory is saved already');
  t.is((await host.call('Run', { id })).guest.state, 'running');
});

test('discards the memory with a poweroff, and says so', async (t) => {
  const { host, id, memory } = await createTiny(t);
  await host.call('Save', { id });
  const { guest, message } = await host.call('Poweroff', { id });
  t.like(guest, { state: 'shutoff', reason: 'poweroff' });
  t.is(message, 'its saved memory is discarded');
  t.false(existsSync(memory));
});

test('changes nothing of a guest whose memory is saved', async (t) => {
  const { host, id } = await createTiny(t);
  await host.call('Save', { id });
  const refusal = { message: /is saved, and fits its hardware only as it is: start the guest first/ };
  await t.throwsAsync(host.change('Update', id, { memory: 64 }), refusal);
  await t.throwsAsync(host.change('AddNic', id, { nic: { network: 'user' } }), refusal);
  await t.throwsAsync(host.call('UpgradeMachine', { id }), refusal);
  await t.throwsAsync(host.call('Run', { id }, { boot: 'disk0' }), { message: /does not boot/ });
  t.is((await host.call('Run', { id })).guest.state, 'running');
});

firmwareTest('resumes a guest with UEFI and a TPM', async (t) => {
  const { host, id } = await createTiny(t, { memory: 128, machine: { firmware: 'uefi', tpm: true } });
  await host.call('Save', { id });
  t.is((await host.call('Run', { id })).guest.state, 'running');
  t.deepEqual((await host.streamedState(id))?.warnings ?? [], []);
});

pluggingTest('resumes a guest with the disks and NICs that were plugged in while it ran', async (t) => {
  const { host, id, dir } = await createTiny(t);
  const disk = { device: '', size: 16, volume: '', image: '', bus: 'virtio', number: 1 };
  const first = { ...disk, source: `${dir}/disk-0.qcow2`, number: 0 };
  await host.call('AddDisk', { id, disks: [first, { ...disk, source: await host.makeDisk(id, 1) }] });
  await host.change('AddNic', id, { nic: { network: 'user' } });
  await host.call('Save', { id });
  t.is((await host.call('Run', { id })).guest.state, 'running');
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  const devices = await qmp.execute<{ name: string }[]>('qom-list', { path: '/machine/peripheral' });
  qmp.close();
  const names = devices.map(({ name }) => name);
  t.true(names.includes('virtio-disk1'));
  t.true(names.includes('nic0'));
});

test('lets the guest run on when a save was interrupted', async (t) => {
  const tiny = await createTiny(t);
  const { host, id } = tiny;
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  await qmp.execute('stop');
  qmp.close();
  await relaunchWith(tiny, () => ({ saving: { paused: false } }));
  t.is(await host.state(id), 'running');
  t.is((await host.call('Save', { id })).guest.reason, 'saved');
});

test('ends the QEMU of a guest whose memory was saved before the sub-agent was killed', async (t) => {
  const tiny = await createTiny(t);
  const { host, id, memory } = tiny;
  await host.call('Save', { id });
  const record = JSON.parse(await readFile(host.stateFile(id, 'guest.json'), 'utf8')) as GuestRecord;
  const bytes = await readFile(memory);
  await host.call('Poweroff', { id });
  await host.call('Run', { id });
  await writeFile(memory, bytes);
  await relaunchWith(tiny, () => ({ saved: record.saved }));
  t.like(await host.streamedState(id), { state: 'shutoff', reason: 'saved' });
  t.true(existsSync(memory));
});

test('does not load memory with which a guest may have run', async (t) => {
  const tiny = await createTiny(t);
  const { host, id, memory } = tiny;
  await host.call('Save', { id });
  await relaunchWith(tiny, ({ saved }) => (saved ? { saved: { ...saved, used: true } } : {}));
  t.false(existsSync(memory));
  t.like(await host.streamedState(id), { state: 'shutoff', reason: 'killed' });
  t.is((await host.call('Run', { id })).guest.state, 'running');
});

test('discards memory that is older than a rollback', async (t) => {
  const { host, id, dir, memory } = await createTiny(t);
  await host.call('Save', { id });
  await renewGeneration(dir);
  await t.throwsAsync(host.call('Save', { id }), {
    message: /its saved memory will be discarded at its next start: the guest was rolled back since/,
  });
  const { guest, message } = await host.call('Run', { id });
  t.is(guest.state, 'running');
  t.is(message, 'its saved memory is discarded: the guest was rolled back since');
  t.false(existsSync(memory));
});

test('keeps memory that does not load, until a start or a poweroff discards it', async (t) => {
  const { host, id, memory } = await createTiny(t);
  await host.call('Save', { id });
  const bytes = await readFile(memory);
  await truncate(memory, 5000);
  await t.throwsAsync(host.call('Run', { id }), {
    message: /does not load \(.*memory has 5000 of \d+ bytes\): it is kept; .* discard it with force=true/,
  });
  await writeFile(memory, bytes.fill(0, 100));
  await t.throwsAsync(host.call('Run', { id }), { message: /does not load \((?!VNC).+\): it is kept/ });
  t.like((await host.call('Status', { id })).guest, { state: 'shutoff', reason: 'saved' });
  t.true(existsSync(memory));
  const { guest, message } = await host.call('Run', { id }, { force: 'true' });
  t.is(guest.state, 'running');
  t.regex(message ?? '', /^its saved memory is discarded \(force\), because it does not load: /);
  t.false(existsSync(memory));
});

test('does not load memory of another accelerator, or of an open CPU model and another QEMU', async (t) => {
  const tiny = await createTiny(t);
  const { host, id } = tiny;
  await host.call('Save', { id });
  const { saved } = JSON.parse(await readFile(host.stateFile(id, 'guest.json'), 'utf8')) as GuestRecord;
  if (!saved) throw new Error('nothing was saved');
  await relaunchWith(tiny, () => ({ saved: { ...saved, accel: 'kvm' } }));
  await t.throwsAsync(host.call('Run', { id }), { message: /saved with kvm, and this host has tcg/ });
  await relaunchWith(tiny, () => ({ saved: { ...saved, qemu: '1.0.0' } }));
  await t.throwsAsync(host.call('Run', { id }), {
    message: /QEMU 1\.0\.0 saved it, and CPU model max may be another one/,
  });
  await relaunchWith(tiny, () => ({ saved }));
  t.is((await host.call('Run', { id })).guest.state, 'running');
});

test('a reboot that was cancelled before does not start a guest whose memory is saved', async (t) => {
  const tiny = await createTiny(t);
  const { host, id } = tiny;
  await relaunchWith(tiny, () => ({ rebooting: true, reboot: { timeoutMs: 600_000, force: false } }));
  await host.call('Save', { id });
  await relaunchWith(tiny, () => ({}));
  t.like(await host.streamedState(id), { state: 'shutoff', reason: 'saved' });
});

test('leaves nothing of a save whose QEMU was killed', async (t) => {
  const tiny = await createTiny(t);
  const { host, id } = tiny;
  process.kill(await host.pid(id), 'SIGSTOP');
  const saving = host.call('Save', { id });
  process.kill(await host.pid(id), 'SIGKILL');
  await t.throwsAsync(saving);
  await host.call('Run', { id });
  await host.call('Suspend', { id });
  await relaunchWith(tiny, ({ saving: rest }) => {
    t.is(rest, undefined);
    return {};
  });
  t.is(await host.state(id), 'paused');
});

test('saves a guest that was paused, and lets a guest that cannot be saved be', async (t) => {
  const { host, id } = await createTiny(t);
  await host.call('Suspend', { id });
  await host.call('Save', { id });
  t.is((await host.call('Run', { id })).guest.state, 'running');
  await host.call('Poweroff', { id });
  await t.throwsAsync(host.call('Save', { id }), {
    message: /is shutoff \(poweroff\): only the memory of a guest that runs or was paused can be saved/,
  });
});

test('forgets the memory of a guest that is deleted or defined again', async (t) => {
  const { host, id, memory } = await createTiny(t);
  await host.call('Save', { id });
  await host.call('CreateGuest', { id, ...TINY });
  t.false(existsSync(memory));
  t.is((await host.call('Run', { id })).guest.state, 'running');
  await host.call('Save', { id });
  await host.call('Delete', { id });
  t.false(existsSync(host.stateFile(id)));
});

test('lets a guest run on whose memory cannot be written', async (t) => {
  const { host, id, memory } = await createTiny(t);
  await mkdir(`${memory}+new`);
  await t.throwsAsync(host.call('Save', { id }));
  t.is(await host.state(id), 'running');
  await rmdir(`${memory}+new`);
  t.is((await host.call('Save', { id })).guest.reason, 'saved');
});
