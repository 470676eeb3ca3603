import { collectDefaultMetrics, Registry } from 'prom-client';

let registry: Registry | undefined;

/** Returns the metrics of this process, collected once per process: CPU time, memory, descriptors, GC, event loop. */
export const processMetrics = (): Registry => {
  if (!registry) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry;
};
