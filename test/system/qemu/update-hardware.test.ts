import { access, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { QmpClient } from '../../../lib/qmp/client.js';
import { needs } from '../../helpers/needs.js';
import { OVMF } from '../../helpers/parts.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { makeUefiDisk, UEFI_IMAGE_PARTS } from '../../helpers/uefi-image.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img');
const tpmTest = needs('qemu-system-x86_64', 'qemu-img', 'swtpm');
const uefiTest = needs('qemu-system-x86_64', OVMF, ...UEFI_IMAGE_PARTS);

const NEXT_START = /at its next start: shut it down and start it, or use reboot; restart is not enough/;
const WAIT_MS = 180_000;

/** Asks a guest's QEMU, as the storage sub-agent does. */
const ask = async <Result>(host: QemuHost, id: string, command: string, args = {}): Promise<Result> => {
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  try {
    return await qmp.execute<Result>(command, args);
  } finally {
    qmp.close();
  }
};

const DEVICES = ['usb-tablet', 'VGA', 'virtio-vga', 'i6300esb', 'vmgenid'];

/** Which of the small devices QEMU says the guest has. */
const devicesIn = async (host: QemuHost, id: string): Promise<string[]> => {
  const found = await ask<{ type: string }[]>(host, id, 'qom-list', { path: '/machine/peripheral' });
  return DEVICES.filter((driver) => found.some(({ type }) => type === `child<${driver}>`));
};

test('gives a guest that runs other devices at its next start, or none when that is cancelled', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const devices = { tablet: false, video: 'virtio', watchdog: 'reset' };
  const { guest, message } = await host.change('Update', id, { devices, memory: 64 });
  t.deepEqual(guest.pending, { devices, memory: 64 } as object);
  t.like(guest.devices, { tablet: true, video: 'std' });
  t.regex(
    message ?? '',
    /gets 64 MB of memory, no tablet, graphics card virtio and a watchdog \(reset\) at its/,
  );
  t.regex(message ?? '', NEXT_START);
  // The record keeps it, and the reset of a guest is no start.
  await host.stop();
  await host.launch();
  await host.call('Restart', { id });
  t.deepEqual(await devicesIn(host, id), ['usb-tablet', 'VGA', 'vmgenid']);
  const cancelled = await host.change('Update', id, { devices: { video: null } });
  t.deepEqual(cancelled.guest.pending, { devices: { tablet: false, watchdog: 'reset' }, memory: 64 });
  t.regex(cancelled.message ?? '', /is cancelled: the guest keeps graphics card std/);
  await host.call('Poweroff', { id });
  const started = await host.call('Run', { id });
  t.deepEqual(started.guest.pending, {});
  t.deepEqual(await devicesIn(host, id), ['VGA', 'i6300esb', 'vmgenid']);
  t.like(await host.streamedState(id), { memory: 64, devices: { tablet: false, watchdog: 'reset' } });
});

test('gives a guest that is off other devices at once', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY, devices: { vmgenid: false } });
  const change = { devices: { vmgenid: true, video: 'none', watchdog: 'pause' }, machine: {} };
  const checked = await host.change('CheckUpdate', id, change);
  const devices = { tablet: true, video: 'none', watchdog: 'pause', vmgenid: true };
  t.deepEqual(checked.guest.devices, devices as object);
  t.like(await host.streamedState(id), { devices: { video: 'std' } });
  const { guest, message } = await host.change('Update', id, change);
  t.deepEqual(guest.devices, devices as object);
  t.deepEqual(guest.pending, {});
  t.is(message, 'the guest has a generation ID, no graphics card and a watchdog (pause) now');
  t.regex((await host.change('Update', id, change)).message ?? '', /^nothing changes: /);
  await host.call('Run', { id });
  t.deepEqual(await devicesIn(host, id), ['usb-tablet', 'i6300esb', 'vmgenid']);
});

test('a guest of layout 1 gets devices, too, and keeps the places of the others', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const machine = { type: 'pc-q35-6.2', layout: 1, firmware: 'bios', sockets: 1, threads: 1 };
  await host.call('Create', { id, ...TINY, machine });
  t.deepEqual(await devicesIn(host, id), ['VGA']);
  await host.call('Poweroff', { id });
  const { guest } = await host.change('Update', id, { devices: { watchdog: 'reset' } });
  t.deepEqual(guest.devices, { tablet: false, video: 'std', watchdog: 'reset', vmgenid: false });
  await host.call('Run', { id });
  t.deepEqual(await devicesIn(host, id), ['VGA', 'i6300esb']);
});

test('a guest whose memory is saved keeps its hardware until it starts afresh', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const pending = { devices: { watchdog: 'reset' } };
  await host.change('Update', id, pending);
  await host.call('Save', { id });
  await t.throwsAsync(host.change('Update', id, { machine: { tpm: true } }), {
    message: /the memory of guest .* is saved, and fits its hardware only as it is/,
  });
  const { guest } = await host.call('Run', { id });
  t.deepEqual(guest.pending, pending as object);
  t.deepEqual(await devicesIn(host, id), ['usb-tablet', 'VGA', 'vmgenid']);
  await host.call('Poweroff', { id });
  await host.call('Run', { id });
  t.deepEqual(await devicesIn(host, id), ['usb-tablet', 'VGA', 'i6300esb', 'vmgenid']);
});

test('refuses what a guest or this host can never have, and changes nothing', async (t) => {
  const host = await QemuHost.start(t);
  await host.stop();
  host.firmwareDirs = [];
  await host.launch();
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const before = await host.streamedState(id);
  for (const [change, message] of [
    [{ machine: { secureBoot: true } }, /"machine\.secureBoot" needs "machine\.firmware": "uefi": set both/],
    [{ machine: { firmware: 'uefi' } }, /no UEFI firmware of 4 MB: install OVMF/],
    [{ machine: { firmware: 'uefi' }, memory: 64 }, /no UEFI firmware of 4 MB: install OVMF/],
    [{ machine: { type: 'pc-q35-6.2' } }, /"machine\.type" cannot be changed here: .*upgrade-machine/],
    [{ devices: { colour: 'red' } }, /"devices\.colour" is not a key of a guest that can be changed/],
    [{ devices: { video: 'cga' } }, /"devices\.video" must be one of std, virtio, none, got "cga"/],
  ] as const)
    for (const method of ['CheckUpdate', 'Update'])
      await t.throwsAsync(host.change(method, id, change), { message });
  t.deepEqual(await host.streamedState(id), before);
});

tpmTest('a TPM that is switched off and on again has its state', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  const state = join(dirname(source), 'tpm', 'tpm2-00.permall');
  await host.call('Create', { id, ...TINY, disks: [{ source }] });
  t.deepEqual(await ask(host, id, 'query-tpm'), []);
  t.deepEqual((await host.change('Update', id, { machine: { tpm: true } })).guest.pending, {
    machine: { tpm: true },
  });
  await t.throwsAsync(access(state));
  await host.call('Poweroff', { id });
  await host.call('Run', { id });
  t.is((await ask<unknown[]>(host, id, 'query-tpm')).length, 1);
  await host.call('Poweroff', { id });
  // The firmware of a guest that runs still writes to its TPM.
  const content = await readFile(state);
  const { guest, message } = await host.change('Update', id, { machine: { tpm: false } });
  t.false('tpm' in (guest.machine ?? {}));
  t.regex(message ?? '', /the state of its TPM is kept for when it has a TPM again/);
  await host.call('Run', { id });
  t.deepEqual(await ask(host, id, 'query-tpm'), []);
  t.deepEqual(await readFile(state), content);
  await host.call('Poweroff', { id });
  await host.change('Update', id, { machine: { tpm: true } });
  await host.call('Run', { id });
  t.is((await ask<unknown[]>(host, id, 'query-tpm')).length, 1);
});

interface UefiGuest {
  host: QemuHost;
  id: string;
  dir: string;
  /** Starts the guest and waits for a text on its console. */
  saysAfterStart: (text: RegExp) => Promise<void>;
}

/** Defines a guest whose disk only boots with UEFI. The program there counts its boots in the UEFI variables. */
const createUefi = async (t: ExecutionContext, machine: object): Promise<UefiGuest> => {
  t.timeout(WAIT_MS * 4);
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  const raw = join(host.dir, 'uefi.raw');
  await makeUefiDisk(raw);
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, source]);
  await host.call('CreateGuest', { id, memory: 192, cpu: 1, disks: [{ source }], machine });
  const saysAfterStart = async (text: RegExp): Promise<void> => {
    await host.call('Run', { id });
    const says = async (): Promise<boolean> =>
      text.test(await readFile(host.stateFile(id, 'serial.log'), 'utf8'));
    await until(`the guest says ${text}`, says, WAIT_MS);
    await host.call('Poweroff', { id });
  };
  return { host, id, dir: dirname(source), saysAfterStart };
};

uefiTest('changes a guest from BIOS to UEFI and back, and keeps its variables meanwhile', async (t) => {
  const { host, id, dir, saysAfterStart } = await createUefi(t, { firmware: 'bios' });
  await host.call('Run', { id });
  const { guest } = await host.change('Update', id, { machine: { firmware: 'uefi' } });
  t.deepEqual(guest.pending, { machine: { firmware: 'uefi' } });
  t.is(guest.machine?.firmware, 'bios');
  await host.call('Poweroff', { id });
  await t.throwsAsync(access(join(dir, 'nvram.qcow2')));
  await saysAfterStart(/mistify-guest: boot 1/);
  t.like((await host.call('Status', { id })).guest, { machine: { firmware: 'uefi' }, pending: {} });
  const back = await host.change('Update', id, { machine: { firmware: null } });
  t.regex(
    back.message ?? '',
    /^the guest has a BIOS now; its UEFI variables are kept for when it has UEFI again$/,
  );
  await host.call('Run', { id });
  const nodes = await ask<{ 'node-name': string }[]>(host, id, 'query-named-block-nodes', { flat: true });
  t.false(nodes.some((node) => node['node-name'] === 'nvram'));
  await host.call('Poweroff', { id });
  await host.change('Update', id, { machine: { firmware: 'uefi' } });
  await saysAfterStart(/mistify-guest: boot 2/);
});

uefiTest('a guest has variables with and without Secure Boot, and gets each back', async (t) => {
  const { host, id, dir, saysAfterStart } = await createUefi(t, { firmware: 'uefi' });
  const inUse = async (): Promise<number> => (await stat(join(dir, 'nvram.qcow2'))).ino;
  await saysAfterStart(/mistify-guest: boot 1/);
  const plain = await inUse();
  const on = await host.change('Update', id, { machine: { secureBoot: true } });
  t.like(on.guest.machine, { firmware: 'uefi', secureBoot: true });
  t.regex(on.message ?? '', /those that it had are kept for when Secure Boot is off again/);
  await saysAfterStart(/Access Denied|Security Violation/i);
  const secure = await inUse();
  t.not(secure, plain);
  // At a start of a guest that ran when it was changed.
  await host.call('Run', { id });
  await host.change('Update', id, { machine: { secureBoot: false } });
  t.is(await inUse(), secure);
  await host.call('Poweroff', { id });
  await saysAfterStart(/mistify-guest: boot 2/);
  t.is(await inUse(), plain);
  t.true((await readdir(dir)).includes('nvram-secure.qcow2'));
  await host.change('Update', id, { machine: { secureBoot: true } });
  await host.call('Run', { id });
  t.is(await inUse(), secure);
});

uefiTest('a guest tries its NICs once network boot is on', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY, memory: 192, nics: [{ network: 'user' }] });
  const index = (): Promise<number> =>
    ask(host, id, 'qom-get', { path: '/machine/peripheral/nic0', property: 'bootindex' });
  await host.call('Run', { id });
  t.is(await index(), -1);
  await host.call('Poweroff', { id });
  await host.change('Update', id, { machine: { firmware: 'uefi', networkBoot: true } });
  await host.call('Run', { id });
  t.true((await index()) > 0);
});
