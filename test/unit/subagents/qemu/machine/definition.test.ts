import test from 'ava';
import type { Disk } from '../../../../../lib/model/guest.js';
import { completeDefinition } from '../../../../../lib/subagents/qemu/machine/definition.js';
import { completeDisks } from '../../../../../lib/subagents/qemu/machine/disks.js';

const id = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const limits = { accel: 'tcg', nicModels: ['virtio-net-pci'], hostMemory: 1024 } as const;
const disk = (more: Partial<Disk> = {}): Disk => ({
  bus: '',
  device: '',
  size: 1,
  volume: '',
  image: '',
  source: '',
  ...more,
});
const devices = (disks: Disk[]): string[] => completeDisks(id, disks).map(({ device }) => device);

test('defaults to 512 MB and one vCPU', (t) => {
  t.deepEqual(completeDefinition({ id }, limits), { id, memory: 512, cpu: 1, nics: [], disks: [] });
});

test('accepts exactly the host’s limits and rejects more', (t) => {
  t.notThrows(() => completeDefinition({ id, memory: 1024, cpu: 288 }, limits));
  t.throws(() => completeDefinition({ id, memory: 1025 }, limits), {
    message: /must be at most this host's 1024 MB, got 1025/,
  });
  t.throws(() => completeDefinition({ id, cpu: 289 }, limits), { message: /limit of 288/ });
  t.throws(() => completeDefinition({ id, cpu: 256 }, { ...limits, accel: 'kvm' }), {
    message: /limit of 255/,
  });
});

test('names virtio disks in their order, and a single disk on another bus sda', (t) => {
  t.deepEqual(devices([disk(), disk({ bus: 'scsi' }), disk()]), ['vda', 'sda', 'vdb']);
  t.deepEqual(devices([disk({ device: 'vda' }), disk({ bus: 'ide', device: 'sda' })]), ['vda', 'sda']);
});

test('gives every disk a stable serial that virtio and ATA do not cut', (t) => {
  const serials = completeDisks(
    id,
    Array.from({ length: 26 }, () => disk({ bus: 'scsi' })),
  ).map(({ serial }) => serial ?? '');
  t.is(serials[0], 'disk0-7d3c8f0e52c1');
  t.is(new Set(serials).size, 26);
  t.true(serials.every(({ length }) => length <= 20));
});

for (const buses of [
  ['sata', 'sata'],
  ['sata', 'scsi'],
  ['ide', 'scsi', 'virtio'],
])
  test(`leaves disks on ${buses.join(' and ')} without the names that Linux gives in any order`, (t) => {
    const names = devices(buses.map((bus) => disk({ bus })));
    t.deepEqual(
      names,
      buses.map((bus) => (bus === 'virtio' ? 'vda' : '')),
    );
    t.throws(() => devices(buses.map((bus, n) => disk({ bus, device: n === 0 ? 'sda' : '' }))), {
      message:
        /^disk 0: the guest may call another disk sda, .*: leave "device" out, and use the disk's serial$/,
    });
  });

test('rejects a device name that the guest gives to no disk or to another', (t) => {
  const cases: [Disk[], RegExp][] = [
    [[disk({ device: 'vdb' }), disk({ device: 'vda' })], /^disk 0: the guest calls this disk vda, not vdb/],
    [[disk(), disk({ device: 'vda' })], /^disk 1: the guest calls this disk vdb, not vda/],
    [[disk({ bus: 'ide', device: 'hda' })], /^disk 0: the guest calls this disk sda, not hda/],
    [[disk({ bus: 'virtio', device: 'sda' })], /^disk 0: the guest calls this disk vda, not sda/],
  ];
  for (const [disks, message] of cases) t.throws(() => devices(disks), { message });
});

test('rejects an unknown bus and lists the known ones', (t) => {
  t.throws(() => devices([disk({ bus: 'constructor' })]), {
    message: 'disk 0: unknown bus "constructor": use one of virtio, scsi, sata, ide',
  });
});
