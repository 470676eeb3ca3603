import { readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { CpuMetrics, DiskMetrics, NicMetrics } from '../../model/metrics.js';
import type { GuestCounters } from '../../rpc/protocol/metrics-messages.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { Container } from './container.js';
import type { EngineKind } from './engine.js';
import { EngineError } from './errors.js';
import type { Guests } from './guests.js';
import { isEngineNic } from './nics/complete.js';
import { countNics, type NetworksStats } from './nics/metrics.js';

const NS_PER_SECOND = 1e9;
/**
 * How many containers are measured at the same time. Docker responds when it samples a container next, up to a second
 * later, however many it is asked for; Podman works for each.
 */
const CONCURRENCY: Record<EngineKind, number> = { docker: 512, podman: 8 };

/** The agent waits three seconds for the counters of all guests. */
const ALL_MS = 2500;

interface BlkioEntry {
  major: number;
  minor: number;
  op: string;
  value: number;
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
  networks?: NetworksStats;
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

/** Measures a container that ran a moment ago. */
const measure = async (guests: Guests, id: string): Promise<EngineStats> => {
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

const stats = async (guests: Guests, id: string): Promise<EngineStats> => {
  await getRunning(guests, id);
  return measure(guests, id);
};

export const cpuMetrics = async (guests: Guests, id: string): Promise<CpuMetrics[]> =>
  toCpuMetrics(await stats(guests, id));

export const diskMetrics = async (guests: Guests, id: string): Promise<Record<string, DiskMetrics>> =>
  toDiskMetrics(await stats(guests, id), deviceName);

/** Returns the counters of each NIC by name. NICs on the host's bridges are counted at their host end. */
export const nicMetrics = async (guests: Guests, id: string): Promise<Record<string, NicMetrics>> => {
  const container = await getRunning(guests, id);
  const { networks } = container.nics.some(isEngineNic) ? await stats(guests, id) : {};
  try {
    return await countNics(guests.engine, container, networks);
  } catch (error) {
    // It may have stopped meanwhile.
    await getRunning(guests, id);
    throw error;
  }
};

const countersOf = async (guests: Guests, id: string): Promise<GuestCounters[]> => {
  try {
    const container = await getRunning(guests, id);
    const counted = await measure(guests, id);
    const disk = await toDiskMetrics(counted, deviceName);
    const nic = await countNics(guests.engine, container, counted.networks);
    const { usage: memory } = counted.memory_stats ?? {};
    return [
      { guest: id, cpu: toCpuMetrics(counted), disk, nic, ...(memory === undefined ? {} : { memory }) },
    ];
  } catch {
    return [];
  }
};

/** Returns the counters of every running container. One that stops meanwhile, or is not measured in time, is left out. */
export const allMetrics = async (guests: Guests): Promise<GuestCounters[]> => {
  const running = guests.states.all().filter(({ state }) => state === 'running' || state === 'paused');
  if (running.length === 0) return [];
  const limit = pLimit(CONCURRENCY[await guests.engine.kind()]);
  const ended = new AbortController();
  const late = delay(ALL_MS, [], { signal: ended.signal }).catch(() => []);
  const counters = running.map(({ id }) => Promise.race([limit(() => countersOf(guests, id)), late]));
  try {
    return (await Promise.all(counters)).flat();
  } finally {
    ended.abort();
    limit.clearQueue();
  }
};
