import type { CpuMetrics, DiskMetrics, NicMetrics } from '../../model/metrics.js';
import {
  allMetricsRequestSchema,
  type GuestCounters,
  guestMetricsRequestSchema,
} from '../../rpc/protocol/metrics-messages.js';
import type { SubAgent } from '../../rpc/server/sub-agent.js';

/** Reads the counters of the guests that a sub-agent runs, each by the id of a guest. */
export interface Meters<Guests> {
  cpuMetrics: (guests: Guests, id: string) => Promise<CpuMetrics[]>;
  diskMetrics: (guests: Guests, id: string) => Promise<Record<string, DiskMetrics>>;
  nicMetrics: (guests: Guests, id: string) => Promise<Record<string, NicMetrics>>;
  /** Of all guests that run. */
  allMetrics: (guests: Guests) => Promise<GuestCounters[]>;
}

/**
 * Adds the methods that measure guests.
 * @param prefix begins their names: `Libvirt` or `MDocker`
 */
export const addMetricsMethods = <Guests>(
  subAgent: SubAgent,
  prefix: string,
  guests: Guests,
  { cpuMetrics, diskMetrics, nicMetrics, allMetrics }: Meters<Guests>,
): void => {
  subAgent.method(`${prefix}.CPUMetrics`, guestMetricsRequestSchema, async ({ guest: { id } }) => ({
    ...{ guest: { id }, type: 'cpu' },
    cpu: await cpuMetrics(guests, id),
  }));
  subAgent.method(`${prefix}.DiskMetrics`, guestMetricsRequestSchema, async ({ guest: { id } }) => ({
    ...{ guest: { id }, type: 'disk' },
    disk: await diskMetrics(guests, id),
  }));
  subAgent.method(`${prefix}.NicMetrics`, guestMetricsRequestSchema, async ({ guest: { id } }) => ({
    ...{ guest: { id }, type: 'nic' },
    nic: await nicMetrics(guests, id),
  }));
  subAgent.method(`${prefix}.AllMetrics`, allMetricsRequestSchema, async () => ({
    guests: await allMetrics(guests),
  }));
};
