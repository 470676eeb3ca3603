import ava from 'ava';
import { processMetrics } from '../../../lib/metrics/process-metrics.js';

ava('counts CPU time from the start of the process', async (t) => {
  const { user, system } = process.cpuUsage();
  const text = await processMetrics().metrics();
  const seconds = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  t.true(seconds('process_cpu_user_seconds_total') >= user / 1e6);
  t.true(seconds('process_cpu_seconds_total') >= (user + system) / 1e6);
});
