import test from 'ava';
import { allMetricsResponseSchema } from '../../../../../lib/rpc/protocol/metrics-messages.js';
import { allMetrics, cpuMetrics, toDiskMetrics } from '../../../../../lib/subagents/qemu/guests/metrics.js';
import { fakeQemu } from '../../../../helpers/fake-qemu.js';
import { GUEST_ID } from '../../../../helpers/sub-agents.js';

test('converts disk counters to counts, bytes and seconds', (t) => {
  const stats = { rd_operations: 2, rd_bytes: 1024, rd_total_time_ns: 1_500_000_000, flush_operations: 1 };
  t.like(toDiskMetrics('vda', stats), {
    disk: 'vda',
    read_ops: 2,
    read_bytes: 1024,
    read_time: 1.5,
    write_ops: 0,
    flush_ops: 1,
  });
});

test('replaces an invalid disk counter by 0, so that the agent accepts the other guests’ counters', (t) => {
  for (const nonsense of ['x', -1, 1e300, null, [1, 2]]) {
    const stats = { rd_operations: nonsense, rd_total_time_ns: nonsense, wr_bytes: 7 };
    const metrics = toDiskMetrics('vda', stats);
    t.like(metrics, { read_ops: 0, read_time: 0, write_bytes: 7 }, `${nonsense}`);
    const { error } = allMetricsResponseSchema.validate({ guests: [{ guest: 'a', disk: { vda: metrics } }] });
    t.is(error, undefined);
  }
});

test('reads only threads of the guest’s QEMU, and no more than it has vCPUs', async (t) => {
  let threads: unknown[] = [];
  const { guests, process: qemu } = await fakeQemu(t, {
    'query-cpus-fast': () => threads,
    'query-blockstats': () => [],
  });
  threads = Array.from({ length: 3 }, () => ({ 'thread-id': qemu.pid }));
  t.is((await cpuMetrics(guests, GUEST_ID)).length, 1);
  threads = [{ 'thread-id': `../../${process.pid}/task/${process.pid}` }];
  await t.throwsAsync(cpuMetrics(guests, GUEST_ID));
  t.deepEqual(await allMetrics(guests), []);
});
