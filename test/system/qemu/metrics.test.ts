import { diskSerial } from '../../../lib/model/disks.js';
import type { AllMetricsResponse } from '../../../lib/rpc/protocol/metrics-messages.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

test('measures each vCPU’s time in seconds', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, memory: 32, cpu: 2 });
  await until(
    'the vCPU has run',
    async () => ((await host.measure('CPUMetrics', id)).cpu?.[0]?.cpu_time ?? 0) > 0,
  );
  const { cpu, type } = await host.measure('CPUMetrics', id);
  t.is(type, 'cpu');
  t.is(cpu?.length, 2);
  t.true((cpu?.[0]?.cpu_time ?? 0) < 60);
  t.is(cpu?.[0]?.vcpu_time, cpu?.[0]?.cpu_time);
});

test('counts each disk’s reads under its device name', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const disks = [
    { source: await host.makeDisk(id, 0), device: 'vda' },
    { source: await host.makeDisk(id, 1), bus: 'sata' },
  ];
  await host.call('Create', { id, ...TINY, disks });
  // The BIOS reads the first sector to look for a boot loader.
  await until(
    'the first sector is read',
    async () => ((await host.measure('DiskMetrics', id)).disk?.vda?.read_bytes ?? 0) >= 512,
    30_000,
  );
  const { disk } = await host.measure('DiskMetrics', id);
  t.deepEqual(Object.keys(disk ?? {}).sort(), ['sda', 'vda']);
  t.is(disk?.vda?.disk, 'vda');
  t.true((disk?.vda?.read_ops ?? 0) >= 1);
  t.true((disk?.vda?.read_time ?? 1) < 60);
});

test('counts the reads of disks without a certain name under their serials', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const disks = [
    { source: await host.makeDisk(id, 0), bus: 'scsi' },
    { source: await host.makeDisk(id, 1), bus: 'sata' },
  ];
  await host.call('Create', { id, ...TINY, disks });
  const { disk } = await host.measure('DiskMetrics', id);
  t.deepEqual(Object.keys(disk ?? {}).sort(), [diskSerial(id, 0), diskSerial(id, 1)]);
});

test('reports no counters for NICs on network user', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, nics: [{ network: 'user' }] });
  t.deepEqual((await host.measure('NicMetrics', id)).nic, {});
});

test('returns the counters and resident memory of all running guests in one response', async (t) => {
  const host = await QemuHost.start(t);
  const [one, off] = [host.newId(), host.newId()];
  const disks = [{ source: await host.makeDisk(one, 0), device: 'vda' }];
  await host.call('Create', { id: one, ...TINY, disks });
  await host.call('Create', { id: off, ...TINY });
  await host.call('Poweroff', { id: off });
  const { guests } = await host.call<AllMetricsResponse>('AllMetrics', { id: one });
  t.deepEqual(
    guests.map(({ guest }) => guest),
    [one],
  );
  t.is(guests[0]?.cpu?.length, 1);
  t.deepEqual(Object.keys(guests[0]?.disk ?? {}), ['vda']);
  t.true((guests[0]?.memory ?? 0) > 2 ** 20);
});
