import test from 'ava';
import {
  allMetrics,
  cpuMetrics,
  toCpuMetrics,
  toDiskMetrics,
} from '../../../../lib/subagents/container/metrics.js';
import { startScriptedEngine } from '../../../helpers/scripted-engine.js';

const cpuStats = (perCpu?: number[] | null, online?: number) => ({
  cpu_stats: {
    cpu_usage: { total_usage: 3e9, ...(perCpu === undefined ? {} : { percpu_usage: perCpu }) },
    ...(online === undefined ? {} : { online_cpus: online }),
  },
});

test('reports the time of each online CPU in seconds', (t) => {
  t.deepEqual(toCpuMetrics(cpuStats([1e9, 2e9, 0, 0], 2)), [
    { cpu_time: 1, vcpu_time: 1 },
    { cpu_time: 2, vcpu_time: 2 },
  ]);
});

test('reports one time for all CPUs when the engine does not count them singly', (t) => {
  for (const stats of [cpuStats(), cpuStats(null), cpuStats([], 4)])
    t.deepEqual(toCpuMetrics(stats), [{ cpu_time: 3, vcpu_time: 3 }]);
});

test('merges the counters of a device and resolves its name', async (t) => {
  const at = (minor: number, op: string, value: number) => ({ major: 8, minor, op, value });
  const stats = {
    blkio_stats: {
      io_service_bytes_recursive: [
        at(0, 'Read', 4096),
        at(0, 'Write', 512),
        at(0, 'Total', 4608),
        at(16, 'read', 1),
      ],
      io_serviced_recursive: [at(0, 'Read', 2), at(0, 'Write', 1)],
      io_service_time_recursive: [at(0, 'Read', 5e8)],
    },
  };
  const metrics = await toDiskMetrics(stats, async (numbers) => (numbers === '8:0' ? 'sda' : numbers));
  t.deepEqual(Object.keys(metrics), ['sda', '8:16']);
  t.like(metrics.sda, {
    disk: 'sda',
    read_bytes: 4096,
    write_bytes: 512,
    read_ops: 2,
    write_ops: 1,
    read_time: 0.5,
    write_time: 0,
    flush_ops: 0,
  });
});

test('reports no disks for a container without I/O', async (t) => {
  t.deepEqual(await toDiskMetrics({ blkio_stats: { io_service_bytes_recursive: null } }, async (n) => n), {});
});

const MEASURED = { read: '2026-01-01T00:00:00Z', ...cpuStats() };

/** How engines respond to a request for the counters of a container that does not run. */
for (const response of [
  [200, { read: '0001-01-01T00:00:00Z', cpu_stats: { cpu_usage: { total_usage: 0 } } }],
  [200, undefined],
  [200, { cause: 'container is stopped', message: 'container is stopped', response: 500 }],
  [500, undefined],
  [404, { message: 'no such container' }],
] as [number, unknown][])
  test(`has no metrics of a guest that stops meanwhile: ${JSON.stringify(response)}`, async (t) => {
    const states = [{ running: true }, { running: false }];
    const { engine, guests } = await startScriptedEngine(t, { a: [...states] });
    engine.responses = { 'GET stats': response };
    await t.throwsAsync(cpuMetrics(guests, 'a'), { message: /^guest a is stopped: only a running guest/ });
    engine.containers = { a: [{ running: true }, ...states] };
    await guests.find('a');
    t.deepEqual(await allMetrics(guests), []);
  });

test('says that the engine has no metrics of a guest that runs', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [{ running: true }] });
  engine.responses = { 'GET stats': [200, undefined] };
  await t.throwsAsync(cpuMetrics(guests, 'a'), {
    message: /^the container engine has no metrics of guest a/,
  });
  engine.responses = { 'GET stats': [200, MEASURED] };
  t.deepEqual(await cpuMetrics(guests, 'a'), [{ cpu_time: 3, vcpu_time: 3 }]);
});
