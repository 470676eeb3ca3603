import { access, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { needs } from '../../helpers/needs.js';
import { OVMF } from '../../helpers/parts.js';
import { QemuHost } from '../../helpers/qemu.js';
import { makeUefiDisk, UEFI_IMAGE_PARTS } from '../../helpers/uefi-image.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', OVMF, ...UEFI_IMAGE_PARTS);

const WAIT_MS = 180_000;
const MEMORY = { memory: 192, cpu: 1 };

interface UefiGuest {
  host: QemuHost;
  id: string;
  dir: string;
  /** What the guest has written to its serial console. */
  console: () => Promise<string>;
}

/** Creates a guest whose disk only boots with UEFI. */
const createUefi = async (t: ExecutionContext, more: object): Promise<UefiGuest> => {
  t.timeout(WAIT_MS * 3);
  const host = await QemuHost.start(t);
  const id = host.newId();
  const dir = dirname(await host.makeDisk(id));
  const source = join(dir, 'disk-0.qcow2');
  const raw = join(host.dir, 'uefi.raw');
  await makeUefiDisk(raw);
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, source]);
  await host.call('Create', { id, ...MEMORY, disks: [{ source }], ...more });
  return { host, id, dir, console: () => readFile(host.stateFile(id, 'serial.log'), 'utf8') };
};

const isOff =
  ({ host, id }: UefiGuest) =>
  async (): Promise<boolean> =>
    (await host.state(id)) === 'shutoff';

const powersOff = (guest: UefiGuest): Promise<boolean> =>
  until('the guest has powered off', isOff(guest), WAIT_MS);

test('boots with UEFI, and keeps the guest’s variables beside its disks', async (t) => {
  const guest = await createUefi(t, { machine: { firmware: 'uefi' } });
  const { host, id, dir } = guest;
  t.like((await host.call('Status', { id })).guest.machine, { firmware: 'uefi', layout: 2 });
  await powersOff(guest);
  t.regex(await guest.console(), /mistify-guest: boot 1/);
  await host.call('Run', { id });
  await powersOff(guest);
  t.regex(await guest.console(), /mistify-guest: boot 2/);
  t.notRegex(await guest.console(), /mistify-guest: tpm/);
  const { mode, uid } = await stat(join(dir, 'nvram.qcow2'));
  t.is(mode & 0o777, 0o660);
  t.is(uid, (await stat(join(dir, 'disk-0.qcow2'))).uid);
});

test('refuses an unsigned program where Secure Boot is asked for', async (t) => {
  const guest = await createUefi(t, { machine: { secureBoot: true } });
  const { host, id } = guest;
  t.like((await host.call('Status', { id })).guest.machine, { firmware: 'uefi', secureBoot: true });
  const refused = async (): Promise<boolean> =>
    /Access Denied|Security Violation/i.test(await guest.console());
  await until('the firmware refuses the program', refused, WAIT_MS);
  t.notRegex(await guest.console(), /mistify-guest/);
});

test('names the package when the host has no UEFI firmware, and changes nothing', async (t) => {
  const host = await QemuHost.start(t);
  await host.stop();
  host.firmwareDirs = [];
  await host.launch();
  const id = host.newId();
  const create = (machine: object) => host.call('Create', { id, ...MEMORY, machine });
  await t.throwsAsync(create({ firmware: 'uefi' }), {
    message: /no UEFI firmware of 4 MB: install OVMF \(Debian: apt install ovmf/,
  });
  await t.throwsAsync(create({ secureBoot: true, firmware: 'bios' }), {
    message: /"machine\.secureBoot" needs "machine\.firmware": "uefi"/,
  });
  await t.throwsAsync(access(host.stateFile(id)));
});

test('tries to boot from the network after the disks where that is asked for', async (t) => {
  t.timeout(WAIT_MS * 2);
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  const nics = [{ network: 'user' }];
  const machine = { firmware: 'uefi', networkBoot: true };
  await host.call('Create', { id, ...MEMORY, disks: [{ source }], nics, machine });
  const console = (): Promise<string> => readFile(host.stateFile(id, 'serial.log'), 'utf8');
  t.true(await until('the firmware starts PXE', async () => /PXE over IPv4/.test(await console()), WAIT_MS));
});
