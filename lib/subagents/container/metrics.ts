import { readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import pLimit from 'p-limit';
import type { Nic } from '../../model/guest.js';
import type { CpuMetrics, DiskMetrics, NicMetrics } from '../../model/metrics.js';
import type { GuestCounters } from '../../rpc/protocol/metrics-messages.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { tapCounters } from '../shared/network/tap-counters.js';
import { EngineError } from './errors.js';
import type { Container, Guests } from './guests.js';
import { isEngineNic } from './nics/complete.js';

const NS_PER_SECOND = 1e9;
/** How many containers are measured at the same time. */
const CONCURRENCY = 8;

interface BlkioEntry {
  major: number;
  minor: number;
  op: string;
  value: number;
}

interface NetworkStats {
  rx_bytes: number;
  rx_packets: number;
  rx_errors: number;
  rx_dropped: number;
  tx_bytes: number;
  tx_packets: number;
  tx_errors: number;
  tx_dropped: number;
}

/** The parts of `ContainerStats` of the Docker Engine API in use here. */
export interface EngineStats {
  cpu_stats?: {
    cpu_usage: { total_usage: number; percpu_usage?: number[] | null };
    online_cpus?: number;
  };
  blkio_stats?: Partial<
    Record<
      'io_service_bytes_recursive' | 'io_serviced_recursive' | 'io_service_time_recursive',
      BlkioEntry[] | null
    >
  >;
  networks?: Record<string, NetworkStats> | null;
  memory_stats?: { usage?: number };
}

/** Returns the CPU time on each CPU of the host, in seconds. With cgroup v2 the engine only knows the total. */
export const toCpuMetrics = ({ cpu_stats: stats }: EngineStats): CpuMetrics[] => {
  if (!stats) return [];
  const { total_usage: total, percpu_usage: perCpu } = stats.cpu_usage;
  const times = perCpu?.length ? perCpu.slice(0, stats.online_cpus || perCpu.length) : [total];
  return times.map((time) => ({ cpu_time: time / NS_PER_SECOND, vcpu_time: time / NS_PER_SECOND }));
};

const noIo = (disk: string): DiskMetrics => ({
  disk,
  read_ops: 0,
  read_bytes: 0,
  read_time: 0,
  write_ops: 0,
  write_bytes: 0,
  write_time: 0,
  flush_ops: 0,
  flush_time: 0,
});

/**
 * Sums up the container's I/O on each block device of the host.
 * @param deviceName resolves the name of a device from its numbers `major:minor`
 */
export const toDiskMetrics = async (
  { blkio_stats: stats = {} }: EngineStats,
  deviceName: (numbers: string) => Promise<string>,
): Promise<Record<string, DiskMetrics>> => {
  const metrics: Record<string, DiskMetrics> = {};
  const add = async (entries: BlkioEntry[] | null | undefined, what: 'bytes' | 'ops' | 'time', unit = 1) => {
    for (const { major, minor, op, value } of entries ?? []) {
      const direction = op.toLowerCase();
      if (direction !== 'read' && direction !== 'write') continue;
      const name = await deviceName(`${major}:${minor}`);
      metrics[name] ??= noIo(name);
      metrics[name][`${direction}_${what}`] += value / unit;
    }
  };
  await add(stats.io_service_bytes_recursive, 'bytes');
  await add(stats.io_serviced_recursive, 'ops');
  await add(stats.io_service_time_recursive, 'time', NS_PER_SECOND);
  return metrics;
};

/** Returns the engine's counters of the NICs on its own networks, from the container's side. */
export const toNicMetrics = ({ networks }: EngineStats, nics: readonly Nic[]): Record<string, NicMetrics> => {
  const counters = Object.entries(networks ?? {}).sort(([one], [other]) => one.localeCompare(other));
  const metrics: Record<string, NicMetrics> = {};
  for (const [index, { name = '' }] of nics.filter(isEngineNic).entries()) {
    const stats = counters[index]?.[1];
    if (!stats) continue;
    const { rx_dropped, tx_dropped, rx_bytes, rx_packets, rx_errors, tx_bytes, tx_packets, tx_errors } =
      stats;
    const rx = { rx_bytes, rx_packets, rx_errors, rx_drops: rx_dropped };
    metrics[name] = { name, ...rx, tx_bytes, tx_packets, tx_errors, tx_drops: tx_dropped };
  }
  return metrics;
};

const deviceName = async (numbers: string): Promise<string> =>
  basename(await readlink(`/sys/dev/block/${numbers}`).catch(() => numbers));

const getRunning = async (guests: Guests, id: string): Promise<Container> => {
  const container = await guests.get(id);
  if (container.state === 'stopped')
    throw new Refusal('conflict', `guest ${id} is stopped: only a running guest has metrics`);
  return container;
};

/** The beginning of `read` in the measurements of a container that does not run: Go's zero time. */
const NEVER = '0001-';

/**
 * Whether an engine has measured something. For a container that does not run, the status is 200 all the same: Docker
 * responds zeros, Podman 4.3 nothing, and Podman 5 an error.
 */
const isMeasured = (body: unknown): body is EngineStats =>
  typeof body === 'object' &&
  body !== null &&
  'read' in body &&
  typeof body.read === 'string' &&
  !body.read.startsWith(NEVER);

const stats = async (guests: Guests, id: string): Promise<EngineStats> => {
  await getRunning(guests, id);
  const options = { stream: false, 'one-shot': true } as const;
  let failure: unknown;
  try {
    const body: unknown = await guests.withContainer(id, (engine) => engine.stats(options));
    if (isMeasured(body)) return body;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    failure = error;
  }
  // It may have stopped meanwhile.
  await getRunning(guests, id);
  throw failure ?? new Error(`the container engine has no metrics of guest ${id}, which runs: ask again`);
};

export const cpuMetrics = async (guests: Guests, id: string): Promise<CpuMetrics[]> =>
  toCpuMetrics(await stats(guests, id));

export const diskMetrics = async (guests: Guests, id: string): Promise<Record<string, DiskMetrics>> =>
  toDiskMetrics(await stats(guests, id), deviceName);

const countNics = async (nics: readonly Nic[], counted: EngineStats): Promise<Record<string, NicMetrics>> => {
  const metrics = toNicMetrics(counted, nics);
  for (const { name = '', device } of nics) if (device) metrics[name] = await tapCounters(name, device);
  return metrics;
};

/** Returns the counters of each NIC by name. NICs on the host's bridges are counted at their host end. */
export const nicMetrics = async (guests: Guests, id: string): Promise<Record<string, NicMetrics>> => {
  const { nics } = await getRunning(guests, id);
  return countNics(nics, nics.some(isEngineNic) ? await stats(guests, id) : {});
};

/** Returns the counters of every running container. A container that stops meanwhile is left out. */
export const allMetrics = async (guests: Guests): Promise<GuestCounters[]> => {
  const measure = async (id: string): Promise<GuestCounters[]> => {
    try {
      const { nics } = await getRunning(guests, id);
      const counted = await stats(guests, id);
      const [disk, nic] = await Promise.all([toDiskMetrics(counted, deviceName), countNics(nics, counted)]);
      const { usage: memory } = counted.memory_stats ?? {};
      return [
        { guest: id, cpu: toCpuMetrics(counted), disk, nic, ...(memory === undefined ? {} : { memory }) },
      ];
    } catch {
      return [];
    }
  };
  const limit = pLimit(CONCURRENCY);
  const running = guests.states.all().filter(({ state }) => state === 'running' || state === 'paused');
  return (await Promise.all(running.map(({ id }) => limit(() => measure(id))))).flat();
};
