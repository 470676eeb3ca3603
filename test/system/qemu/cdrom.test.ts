import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { BOOTED_FROM_CD, BOOTED_FROM_DISK, installCd, liveCd } from '../../helpers/install-cd.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img', 'python3');

/** Adds an image as the storage sub-agent would, and returns where it is. */
const addIso = async (host: QemuHost, image: string, bytes: Buffer) => {
  const iso = join(host.dir, `${image}.iso`);
  await writeFile(iso, bytes);
  const source = await host.imagePath(image);
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', iso, source]);
  return { image, source };
};

const serialOutput = (host: QemuHost, id: string): Promise<string> =>
  readFile(host.stateFile(id, 'serial.log'), 'latin1').catch(() => '');

/** Waits until the serial console has shown texts, in this order and no others. */
const shows = async (t: ExecutionContext, host: QemuHost, id: string, ...texts: string[]): Promise<void> => {
  const expected = texts.join('\r\n');
  await until(`the guest shows ${texts.join(', then ')}`, async () =>
    (await serialOutput(host, id)).includes(expected),
  );
  t.pass();
};

const change = (host: QemuHost, id: string, image: string, more: object = {}) =>
  host.change('ChangeCdrom', id, { device: 'cd0', image, ...more });

/** A guest with a blank disk and a CD in its drive. */
const createWithCd = async (t: ExecutionContext, bytes: Buffer, image = 'netinst') => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const medium = await addIso(host, image, bytes);
  const disks = [{ source: await host.makeDisk(id) }];
  const cdroms = [{ device: 'cd0', image }];
  const { guest } = await host.call('Create', { id, ...TINY, disks, cdroms, media: [medium] });
  return { host, id, guest, medium };
};

test('installs from a CD onto a blank disk, and boots from the disk after the eject', async (t) => {
  const { host, id, guest } = await createWithCd(t, installCd());
  t.deepEqual(guest.cdroms, [{ device: 'cd0', image: 'netinst' }]);
  await shows(t, host, id, BOOTED_FROM_CD, BOOTED_FROM_DISK);
  const { guest: after, message } = await change(host, id, '');
  t.is(message, 'netinst was taken out of drive cd0');
  t.deepEqual(after.cdroms, [{ device: 'cd0', image: '' }]);
  await host.call('Restart', { id });
  await shows(t, host, id, BOOTED_FROM_DISK, BOOTED_FROM_DISK);
});

test('inserts a CD into a running guest and boots from it once', async (t) => {
  const { host, id } = await createWithCd(t, installCd());
  await shows(t, host, id, BOOTED_FROM_DISK);
  const rescue = await addIso(host, 'rescue', liveCd());
  const { guest, message } = await host.changeGuest(
    'ChangeCdrom',
    { id, media: [rescue] },
    {
      ...{ device: 'cd0', image: 'rescue' },
    },
  );
  t.is(message, 'rescue is in drive cd0, and netinst was taken out');
  t.deepEqual(guest.cdroms, [{ device: 'cd0', image: 'rescue' }]);
  t.deepEqual(guest.media, [rescue]);
  await host.call('Restart', { id }, { boot: 'cd0' });
  await shows(t, host, id, BOOTED_FROM_DISK, BOOTED_FROM_CD);
  await host.call('Restart', { id });
  await shows(t, host, id, BOOTED_FROM_CD, BOOTED_FROM_DISK);
});

test('a start can boot from a CD once; the next boot is as usual', async (t) => {
  const { host, id } = await createWithCd(t, installCd());
  await shows(t, host, id, BOOTED_FROM_DISK);
  await host.call('Poweroff', { id });
  const rescue = await addIso(host, 'rescue', liveCd());
  await host.changeGuest('ChangeCdrom', { id, media: [rescue] }, { device: 'cd0', image: 'rescue' });
  await host.call('Run', { id }, { boot: 'cd0' });
  await shows(t, host, id, BOOTED_FROM_CD);
  await host.call('Restart', { id });
  await shows(t, host, id, BOOTED_FROM_CD, BOOTED_FROM_DISK);
});

test('a boot order is kept, and applies at the next boot of a running guest', async (t) => {
  const { host, id } = await createWithCd(t, liveCd(), 'live');
  await shows(t, host, id, BOOTED_FROM_CD);
  const { guest, message } = await host.change('Update', id, { bootOrder: ['cd0', 'disk0'] });
  t.deepEqual(guest.bootOrder, ['cd0', 'disk0']);
  t.is(message, 'the guest boots from cd0, then disk0 first, from its next boot on');
  await host.call('Restart', { id });
  await shows(t, host, id, BOOTED_FROM_CD, BOOTED_FROM_CD);
});

test('says what a guest has when it cannot boot from a device', async (t) => {
  const { host, id } = await createWithCd(t, liveCd());
  const message = `guest ${id} has no disk7 to boot from: it has disk0, cd0`;
  await t.throwsAsync(host.change('Update', id, { bootOrder: ['disk7'] }), { message });
  await t.throwsAsync(host.call('Restart', { id }, { boot: 'disk7' }), { message });
});

test('a change that was made already is no error, and neither is the ejection from an empty drive', async (t) => {
  const { host, id } = await createWithCd(t, liveCd());
  t.is((await change(host, id, 'netinst')).message, 'netinst is in drive cd0 already');
  await change(host, id, '');
  t.is((await change(host, id, '')).message, 'drive cd0 is empty already');
});

test('rejects a drive that the guest does not have, and an image that no storage stage has found', async (t) => {
  const { host, id } = await createWithCd(t, liveCd());
  await t.throwsAsync(host.change('ChangeCdrom', id, { device: 'cd1', image: '' }), {
    message: `guest ${id} has no CD drive cd1: it has cd0`,
  });
  await t.throwsAsync(change(host, id, 'other'), { message: /^the file of image other is not known/ });
});

test('a guest has as many drives as it was created with, each with its own CD', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const media = [await addIso(host, 'one', liveCd()), await addIso(host, 'two', liveCd())];
  const cdroms = [
    { device: 'cd0', image: '' },
    { device: 'cd1', image: 'one' },
    { device: 'cd2', image: 'two' },
  ];
  const disks = await Promise.all(
    [0, 1, 2, 3].map(async (n) => ({ bus: 'sata', source: await host.makeDisk(id, n) })),
  );
  await host.call('Create', { id, ...TINY, disks, cdroms, media });
  await shows(t, host, id, BOOTED_FROM_CD);
  const { guest } = await host.change('ChangeCdrom', id, { device: 'cd2', image: '' });
  t.deepEqual(guest.cdroms, [cdroms[0], cdroms[1], { device: 'cd2', image: '' }]);
});

test('a drive stays empty when its image is gone, and the guest starts', async (t) => {
  const { host, id, medium } = await createWithCd(t, installCd());
  await shows(t, host, id, BOOTED_FROM_DISK);
  await host.call('Poweroff', { id });
  await execa('rm', [medium.source]);
  await host.call('Run', { id });
  await shows(t, host, id, BOOTED_FROM_DISK, BOOTED_FROM_DISK);
});
