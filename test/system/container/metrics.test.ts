import ava from 'ava';
import type { AllMetricsResponse } from '../../../lib/rpc/protocol/metrics-messages.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { needsEngine as test } from '../../helpers/engines/chosen.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

test('reports CPU seconds and disks by name for a running guest, and none for a stopped one', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest();
  await containers.guest('CreateContainer', guest);
  await t.throwsAsync(containers.guest('CPUMetrics', guest), { message: /is stopped: only a running guest/ });
  await containers.guest('StartContainer', guest);
  const { cpu } = await containers.guest('CPUMetrics', guest);
  const [first] = cpu as { cpu_time: number; vcpu_time: number }[];
  t.true((first?.cpu_time ?? -1) >= 0 && (first?.cpu_time ?? 99) < 60);
  t.is(first?.vcpu_time, first?.cpu_time);
  for (const [name, metrics] of Object.entries((await containers.guest('DiskMetrics', guest)).disk))
    t.like(metrics, { disk: name });
});

test('reports the counters of all running guests in one response', async (t) => {
  const containers = await shared.containers();
  const [up, down] = [newGuest(), newGuest()];
  for (const guest of [up, down]) await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', up);
  const { guests } = (await containers.call('AllMetrics', {})) as unknown as AllMetricsResponse;
  const ids = guests.map(({ guest }) => guest);
  t.true(ids.includes(up.id ?? ''));
  t.false(ids.includes(down.id ?? ''));
  t.true((guests.find(({ guest }) => guest === up.id)?.memory ?? 0) > 0);
});
