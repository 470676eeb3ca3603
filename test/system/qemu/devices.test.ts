import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { QmpClient } from '../../../lib/qmp/client.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

/** Asks a guest's QEMU, as the storage sub-agent does. */
const ask = async <Result>(host: QemuHost, id: string, command: string, args = {}): Promise<Result> => {
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  try {
    return await qmp.execute<Result>(command, args);
  } finally {
    qmp.close();
  }
};

const driversOf = async (host: QemuHost, id: string): Promise<string[]> => {
  const path = '/machine/peripheral';
  const found = await ask<{ type: string }[]>(host, id, 'qom-list', { path });
  return found.map(({ type }) => type);
};

test('a new guest has a tablet and a generation ID of its own, and no watchdog', async (t) => {
  const host = await QemuHost.start(t);
  const [one, other] = [host.newId(), host.newId()];
  const { guest } = await host.call('Create', { id: one, ...TINY });
  t.deepEqual(guest.devices, { tablet: true, video: 'std', watchdog: 'none', vmgenid: true });
  t.deepEqual((await host.streamedState(one))?.devices, guest.devices ?? undefined);
  const drivers = await driversOf(host, one);
  for (const driver of ['qemu-xhci', 'usb-tablet', 'VGA', 'vmgenid'])
    t.true(drivers.includes(`child<${driver}>`));
  t.false(drivers.includes('child<i6300esb>'));
  await host.call('Create', { id: other, ...TINY });
  const generation = (id: string) => ask<{ guid: string }>(host, id, 'query-vm-generation-id');
  const first = await generation(one);
  t.notDeepEqual(await generation(other), first);
  await host.call('Poweroff', { id: one });
  await host.call('Run', { id: one });
  t.deepEqual(await generation(one), first);
});

test('a guest gets the graphics card that it asks for, or none', async (t) => {
  const host = await QemuHost.start(t);
  for (const [video, driver] of [
    ['virtio', 'child<virtio-vga>'],
    ['none', undefined],
  ] as const) {
    const id = host.newId();
    const { guest } = await host.call('Create', { id, ...TINY, devices: { video, tablet: false } });
    t.deepEqual(guest.devices, { tablet: false, video, watchdog: 'none', vmgenid: true });
    t.true((guest.vnc ?? 0) > 0);
    const cards = (await driversOf(host, id)).filter((each) => /vga/i.test(each));
    t.deepEqual(cards, driver ? [driver] : []);
  }
});

/**
 * A boot sector that starts the watchdog and then halts: it sets the 1 MHz clock (bit 2 of register 0x60) and the enable
 * bit (bit 1 of register 0x68) of the i6300esb at PCI address 15.0. It expires in two stages of a second each.
 */
const watchdogSector = (): Buffer => {
  const sector = Buffer.alloc(2 ** 20);
  Buffer.from(
    [
      'fa', // cli
      'baf80c66b860a8008066ef', // mov dx, 0xcf8; mov eax, 0x8000a860; out dx, eax
      'bafc0cb80400ef', // mov dx, 0xcfc; mov ax, 4; out dx, ax
      'baf80c66b868a8008066ef', // mov dx, 0xcf8; mov eax, 0x8000a868; out dx, eax
      'bafc0cb002ee', // mov dx, 0xcfc; mov al, 2; out dx, al
      'f4ebfd', // hlt; jmp to it
    ].join(''),
    'hex',
  ).copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
};

/** Creates a guest that starts its watchdog at once and never serves it. */
const createHanging = async (host: QemuHost, watchdog: string): Promise<string> => {
  const id = host.newId();
  const source = join(dirname(await host.makeDisk(id)), 'disk-0.raw');
  await writeFile(source, watchdogSector());
  await host.call('Create', { id, ...TINY, disks: [{ source }], devices: { watchdog } });
  return id;
};

const WAIT_MS = 150_000;

const waitFor = (t: ExecutionContext, host: QemuHost, id: string, state: string): Promise<boolean> => {
  t.timeout(WAIT_MS * 3);
  return until(`the guest is ${state}`, async () => (await host.state(id)) === state, WAIT_MS);
};

test('a guest whose watchdog pauses it says so, and can be restarted', async (t) => {
  const host = await QemuHost.start(t);
  const id = await createHanging(host, 'pause');
  await waitFor(t, host, id, 'paused');
  t.is((await host.call('Status', { id })).guest.reason, 'watchdog');
  t.is((await host.call('Restart', { id })).guest.state, 'running');
});

test('a watchdog powers a guest off', async (t) => {
  const host = await QemuHost.start(t);
  const id = await createHanging(host, 'poweroff');
  await waitFor(t, host, id, 'shutoff');
  t.is((await host.call('Status', { id })).guest.reason, 'watchdog');
});

test('a watchdog resets a guest, which keeps running', async (t) => {
  const host = await QemuHost.start(t);
  const id = await createHanging(host, 'reset');
  t.timeout(WAIT_MS * 3);
  const events: string[] = [];
  const onEvent = ({ event }: { event: string }): void => void events.push(event);
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'), { onEvent });
  const count = (): number => events.filter((event) => event === 'WATCHDOG').length;
  try {
    await until('the watchdog has fired twice', async () => count() >= 2, WAIT_MS);
  } finally {
    qmp.close();
  }
  t.is(await host.state(id), 'running');
});
