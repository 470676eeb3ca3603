import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HistoryRecorder } from '../../../../lib/metrics/history/recorder.js';
import { RING_BYTES } from '../../../../lib/metrics/history/ring.js';
import { normalizeGuest } from '../../../../lib/model/guest.js';
import type { GuestMetrics } from '../../../../lib/model/metrics.js';
import { GuestStore } from '../../../../lib/store/guest-store.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

const MINUTE_MS = 60_000;
const START = Date.UTC(2026, 0, 1);

/** A recorder with a clock of its own, and a guest that uses half a CPU. */
const setUp = async (t: ExecutionContext) => {
  const dir = await tempDir(t);
  const directory = join(dir, 'history');
  const guests = await GuestStore.open(join(dir, 'guests.db'));
  t.teardown(() => guests.close());
  const id = randomUUID();
  await guests.insert(normalizeGuest({ id, state: 'running' }));
  let now = START;
  const measure = async (): Promise<GuestMetrics[]> => [
    {
      ...{ guest: id, time: new Date(now).toISOString(), memory: 1024 },
      cpu: [{ cpu_time: (now - START) / 2000, vcpu_time: 0 }],
    },
  ];
  const start = (): HistoryRecorder =>
    new HistoryRecorder({ directory, guests, measure, log: silentLog, now: () => now });
  const recordFor = async (recorder: HistoryRecorder, minutes: number): Promise<void> => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await recorder.record();
      now += MINUTE_MS;
    }
  };
  return { directory, guests, id, start, recordFor };
};

test('records the load of guests and of the host, in files of a fixed size', async (t) => {
  const { directory, id, start, recordFor } = await setUp(t);
  const recorder = start();
  await recorder.open();
  await recordFor(recorder, 25);
  const { step, points } = await recorder.ofGuest(id, 'hour');
  t.is(step, 60);
  t.is(points.length, 24);
  t.like(points[0], { time: '2026-01-01T00:01:00.000Z', cpu: 50, memory: 1024, read: 0 });
  t.is((await recorder.ofHost('day')).points.length, 3);
  await recorder.close();
  t.deepEqual((await readdir(directory)).sort(), ['host', id].sort());
  t.is((await stat(join(directory, id))).size, RING_BYTES);
});

test('continues after a restart, and deletes the history of a guest with the guest', async (t) => {
  const { directory, guests, id, start, recordFor } = await setUp(t);
  const first = start();
  await first.open();
  await recordFor(first, 5);
  await first.close();
  const second = start();
  await second.open();
  await recordFor(second, 5);
  t.is((await second.ofGuest(id, 'hour')).points.length, 8);
  await second.close();
  await guests.remove(id);
  await until('its file is gone', async () => (await readdir(directory)).join() === 'host');
  t.pass();
});
