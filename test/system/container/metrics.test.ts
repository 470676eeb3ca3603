import ava from 'ava';
import { newGuest, SharedPodman, needsPodman as test } from '../../helpers/podman.js';

const shared = new SharedPodman();
ava.after.always(() => shared.stop());

test('a running guest has CPU times in seconds and disks by name; one that is stopped has none', async (t) => {
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
