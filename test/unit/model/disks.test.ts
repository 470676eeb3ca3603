import test from 'ava';
import { certainNames, diskLabels, diskSerial, findDisk, numbered } from '../../../lib/model/disks.js';
import { diskIdSchema } from '../../../lib/model/snapshot.js';

const id = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const disk = (bus: string, device = '') => ({ bus, device });
const serials = [0, 1, 2].map((n) => diskSerial(id, n));

test('numbers virtio disks in their order and names a single other disk sda', (t) => {
  t.deepEqual(certainNames([disk('virtio'), disk('sata'), disk('')]), ['vda', 'sda', 'vdb']);
  t.deepEqual(certainNames([disk('sata'), disk('ide'), disk('virtio')]), [undefined, undefined, 'vda']);
});

test('finds a disk by number, serial and certain name', (t) => {
  const disks = [disk('scsi', 'sda'), disk('virtio', 'vda'), disk('virtio')];
  for (const [n, words] of [
    ['0', 'sda'],
    ['1', 'vda'],
    ['2', 'vdb'],
  ].entries())
    for (const wanted of [...words, serials[n] ?? '']) t.is(findDisk(id, disks, wanted), n, wanted);
  for (const wanted of ['3', 'vdc', diskSerial(id, 3), diskSerial(id.replace('7', '8'), 0)])
    t.is(findDisk(id, disks, wanted), 'unknown', wanted);
});

test('does not trust device names of an earlier version that the guest may give to other disks', (t) => {
  const swapped = [disk('virtio', 'vdb'), disk('virtio', 'vda')];
  const sata = [disk('sata', 'sda'), disk('sata', 'sdb')];
  const ide = [disk('ide', 'hda')];
  const mixed = [disk('scsi', 'sda'), disk('sata', 'sdb')];
  for (const disks of [swapped, sata, ide, mixed]) {
    for (const [n, { device }] of disks.entries()) {
      t.is(findDisk(id, disks, device), 'uncertain', device);
      t.is(findDisk(id, disks, diskSerial(id, n)), n);
      t.is(findDisk(id, disks, String(n)), n);
    }
    t.deepEqual(diskLabels(id, disks), serials.slice(0, disks.length));
  }
});

test('accepts a disk’s number, serial and device name in a path', (t) => {
  for (const wanted of ['0', '25', 'vda', 'sdz', ...serials]) t.falsy(diskIdSchema.validate(wanted).error);
  for (const wanted of ['26', '01', 'vdaa', 'disk0', 'disk0-7d3c', '../x', 'disk0-7d3c8f0e52cg'])
    t.truthy(diskIdSchema.validate(wanted).error, wanted);
});

test('finds disks by the numbers that they keep when one was removed', (t) => {
  const disks = [
    { ...disk('virtio', 'vda'), number: 0 },
    { ...disk('virtio'), number: 2 },
    { ...disk('scsi'), number: 3 },
  ];
  t.is(findDisk(id, disks, '2'), 1);
  t.is(findDisk(id, disks, diskSerial(id, 3)), 2);
  t.is(findDisk(id, disks, '1'), 'unknown');
  t.deepEqual(diskLabels(id, disks), ['vda', diskSerial(id, 2), diskSerial(id, 3)]);
  for (const name of ['vdb', 'sda']) t.is(findDisk(id, disks, name), 'uncertain', name);
});

test('names no disk by its device after the first change of the list', (t) => {
  const disks = [0, 2, 1].map((number) => ({ ...disk('virtio'), number }));
  t.deepEqual(certainNames(disks), ['vda', undefined, undefined]);
  t.deepEqual(certainNames(numbered([disk('virtio'), disk('virtio')])), ['vda', 'vdb']);
  t.deepEqual(certainNames(numbered([disk('virtio'), disk('sata')])), ['vda', undefined]);
});
