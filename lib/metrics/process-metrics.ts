import { Counter, collectDefaultMetrics, Registry } from 'prom-client';

let registry: Registry | undefined;

/** prom-client counts CPU time from here, the first scrape, but the counters are to start with the process. */
const addEarlierCpuTime = (metrics: Registry): void => {
  const { user, system } = process.cpuUsage();
  const micros = { process_cpu_user_seconds_total: user, process_cpu_system_seconds_total: system };
  for (const [name, time] of Object.entries({ ...micros, process_cpu_seconds_total: user + system })) {
    const counter = metrics.getSingleMetric(name);
    if (counter instanceof Counter) counter.inc(time / 1e6);
  }
};

/** Returns the metrics of this process, collected once per process: CPU time, memory, descriptors, GC, event loop. */
export const processMetrics = (): Registry => {
  if (!registry) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
    addEarlierCpuTime(registry);
  }
  return registry;
};
