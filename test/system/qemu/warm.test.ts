import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { GuestRecord } from '../../../lib/subagents/qemu/guests/records.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { QemuHost } from '../../helpers/qemu.js';
import { fillUp, mountSmallOn } from '../../helpers/small-disk.js';
import { until } from '../../helpers/wait.js';

const test = needsInTurn(...LINUX_PARTS, 'perl');
const fullTest = needsInTurn(...LINUX_PARTS, 'perl', 'root');

const WARM = { ready: { serial: 'mistify-guest: up' }, randomness: 'shared', timeout: 240 };

interface Warmed {
  host: QemuHost;
  template: LinuxGuest;
  /** Names the template's memory. */
  warm: string;
}

const warmOne = async (t: ExecutionContext): Promise<Warmed> => {
  const host = await QemuHost.start(t);
  const template = await LinuxGuest.create(t, host);
  await host.call('Poweroff', { id: template.id });
  const { guest } = await host.change('Warm', template.id, WARM);
  return { host, template, warm: guest.warm?.id ?? '' };
};

/** Defines a clone with an overlay of the template's disk, as the storage sub-agent would make it. */
const cloneOf = async ({ host, template, warm }: Warmed, guest: object = {}): Promise<string> => {
  const id = host.newId();
  const source = await host.makeDisk(id);
  const image = await host.imagePath(`linked-${id}`);
  await execa('qemu-img', ['convert', '-O', 'qcow2', template.disk, image]);
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', image, source]);
  await host.changeGuest(
    'CreateGuest',
    { id, memory: 128, disks: [{ source, image: `linked-${id}` }], ...guest },
    { source: template.id, linked: true, tpm: 'fresh', warm },
  );
  return id;
};

const startOf = async ({ host }: Warmed, id: string): Promise<string> =>
  (await host.call('Run', { id })).message ?? '';

const NIC = { network: 'user' };

test('a clone resumes once, with all of its NICs on root ports', async (t) => {
  const warmed = await warmOne(t);
  const { host } = warmed;
  const id = await cloneOf(warmed, { nics: [NIC, NIC] });
  t.regex(await startOf(warmed, id), /resumed with the memory of template/);
  const record = JSON.parse(await readFile(host.stateFile(id, 'guest.json'), 'utf8')) as GuestRecord;
  t.is(record.warmFrom, undefined);
  t.deepEqual(record.machine?.ports, { nic0: 0, nic1: 1 });
  await host.call('Poweroff', { id });
  t.is(await startOf(warmed, id), '');
});

test('a clone whose own memory was saved resumes with that', async (t) => {
  const warmed = await warmOne(t);
  const { host } = warmed;
  const id = await cloneOf(warmed);
  await startOf(warmed, id);
  t.regex((await host.call('Save', { id })).message ?? '', /MB of memory saved/);
  await startOf(warmed, id);
  t.is(await host.state(id), 'running');
  const log = (): Promise<string> => readFile(host.stateFile(id, 'serial.log'), 'utf8');
  const { length } = await log();
  await until('it runs on', async () => (await log()).slice(length).includes('mistify-guest: alive'));
  t.notRegex(await log(), /mistify-guest: boot/);
});

test('a start that was interrupted once its memory was used is completed by the next one', async (t) => {
  const warmed = await warmOne(t);
  const { host } = warmed;
  const id = await cloneOf(warmed);
  await startOf(warmed, id);
  await host.stop();
  const path = host.stateFile(id, 'guest.json');
  const record = JSON.parse(await readFile(path, 'utf8')) as GuestRecord;
  t.like(record.resumption, { template: warmed.template.id, isSettled: true });
  await writeFile(
    path,
    JSON.stringify({ ...record, resumption: { ...record.resumption, isSettled: false } }),
  );
  await host.launch();
  t.regex(await startOf(warmed, id), /resumed with the memory of template .*its host name/);
  t.is(await startOf(warmed, id), '');
  await host.call('Poweroff', { id });
  t.is(await startOf(warmed, id), '');
});

test('a clone of other hardware boots, and says what is different', async (t) => {
  const warmed = await warmOne(t);
  const id = await cloneOf(warmed, { memory: 160 });
  t.regex(
    await startOf(warmed, id),
    /boots, instead of resuming .*: it had 128 MB of memory, and has 160 now/,
  );
  t.is(await warmed.host.state(id), 'running');
});

test('a clone boots when the template was warmed with another QEMU, which the template shows', async (t) => {
  const warmed = await warmOne(t);
  const { host, template } = warmed;
  const id = await cloneOf(warmed);
  await host.stop();
  const path = host.stateFile(template.id, 'guest.json');
  const record = JSON.parse(await readFile(path, 'utf8')) as GuestRecord;
  await writeFile(path, JSON.stringify({ ...record, warm: { ...record.warm, qemu: '7.1.0' } }));
  await host.launch();
  t.is((await host.streamedState(template.id))?.warm?.qemu, '7.1.0');
  t.regex(await startOf(warmed, id), /it was warmed with QEMU 7\.1\.0, and this host has /);
});

test('a template that runs again, or is defined again, is cold', async (t) => {
  const warmed = await warmOne(t);
  const { host, template } = warmed;
  const id = await cloneOf(warmed);
  await host.call('Run', { id: template.id });
  await host.call('Poweroff', { id: template.id });
  t.is((await host.streamedState(template.id))?.warm, undefined);
  t.regex(await startOf(warmed, id), /template .* was warmed again, cooled or deleted since/);
});

fullTest(
  'a template is not warmed without room for its memory, and ends when the room is used up',
  async (t) => {
    const host = await QemuHost.start(t);
    const guests = dirname(dirname(host.stateFile('any', 'guest.json')));
    await mountSmallOn(t, guests, 400);
    const { id } = await LinuxGuest.create(t, host);
    await host.call('Poweroff', { id });
    const ballast = join(guests, 'ballast');
    await execa('fallocate', ['-l', '300M', ballast]);
    for (const method of ['CheckWarm', 'Warm'])
      await t.throwsAsync(host.change(method, id, WARM), { message: /needs 128 MB.* 20 MB kept in reserve/ });
    await rm(ballast);
    const attempt = host.change('Warm', id, { ...WARM, ready: { serial: 'never' } });
    const fails = t.throwsAsync(attempt, { message: /no space left on the device of/ });
    await until('it boots', async () => (await host.state(id)) === 'running');
    await fillUp(guests);
    await fails;
    // QEMU does not survive a write to its memory on a full disk, if that comes first.
    t.regex(String(await host.state(id)), /^(shutoff|crashed)$/);
    t.false(existsSync(host.stateFile(id, 'warm')));
    await rm(ballast);
    await t.notThrowsAsync(host.change('Warm', id, WARM));
  },
);

test('does not warm a guest that runs, or whose memory can grow', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host, { maxMemory: 256 });
  await t.throwsAsync(host.change('Warm', guest.id, WARM), { message: /is running: shut it down first/ });
  await host.call('Poweroff', { id: guest.id });
  await t.throwsAsync(host.change('CheckWarm', guest.id, WARM), { message: /its memory can grow/ });
});
