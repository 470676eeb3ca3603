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

test('a guest without wishes gets 512 MB and one vCPU', (t) => {
  t.deepEqual(completeDefinition({ id }, limits), { id, memory: 512, cpu: 1, nics: [], disks: [] });
});

test('the limits of the host are inclusive', (t) => {
  t.notThrows(() => completeDefinition({ id, memory: 1024, cpu: 288 }, limits));
  t.throws(() => completeDefinition({ id, memory: 1025 }, limits), { message: /\(1024 MB\)/ });
  t.throws(() => completeDefinition({ id, cpu: 289 }, limits), { message: /limit of 288/ });
  t.throws(() => completeDefinition({ id, cpu: 256 }, { ...limits, accel: 'kvm' }), {
    message: /limit of 255/,
  });
});

test('disks are named after their bus, in order', (t) => {
  t.deepEqual(devices([disk(), disk({ bus: 'scsi' }), disk(), disk({ bus: 'sata' }), disk({ bus: 'ide' })]), [
    'vda',
    'sda',
    'vdb',
    'sdb',
    'sdc',
  ]);
});

test('a name that is given is not given to another disk', (t) => {
  t.deepEqual(devices([disk(), disk({ device: 'vda' }), disk()]), ['vdb', 'vda', 'vdc']);
});

test('an unknown bus is refused with the ones that there are', (t) => {
  t.throws(() => devices([disk({ bus: 'constructor' })]), {
    message: 'disk 0: there is no bus "constructor": use one of virtio, scsi, sata, ide',
  });
});
