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
const devices = (disks: Disk[]): string[] => completeDisks(disks).map(({ device }) => device);

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

test('names disks after their bus, in order', (t) => {
  t.deepEqual(devices([disk(), disk({ bus: 'scsi' }), disk(), disk({ bus: 'sata' }), disk({ bus: 'ide' })]), [
    'vda',
    'sda',
    'vdb',
    'sdb',
    'sdc',
  ]);
});

test('does not give a disk a name that another disk requests', (t) => {
  t.deepEqual(devices([disk(), disk({ device: 'vda' }), disk()]), ['vdb', 'vda', 'vdc']);
});

test('rejects an unknown bus and lists the known ones', (t) => {
  t.throws(() => devices([disk({ bus: 'constructor' })]), {
    message: 'disk 0: unknown bus "constructor": use one of virtio, scsi, sata, ide',
  });
});
