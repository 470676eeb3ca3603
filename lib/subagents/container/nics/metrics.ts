import { readFile } from 'node:fs/promises';
import type { Nic } from '../../../model/guest.js';
import type { NicMetrics } from '../../../model/metrics.js';
import { tapCounters } from '../../shared/network/tap-counters.js';
import type { Engine } from '../engine.js';
import { isEngineNic } from './complete.js';
import { engineDevices, type Running } from './engine-devices.js';

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

/** `networks` of `ContainerStats` of the Docker Engine API. */
export type NetworksStats = Record<string, NetworkStats> | null | undefined;

/** The columns of `/proc/PID/net/dev`: proc_pid_net(5). */
const COLUMNS: Record<keyof NetworkStats, number> = {
  ...{ rx_bytes: 0, rx_packets: 1, rx_errors: 2, rx_dropped: 3 },
  ...{ tx_bytes: 8, tx_packets: 9, tx_errors: 10, tx_dropped: 11 },
};

const LINE = /^ *([^: ]+): *(.*)$/gm;

/** Reads the counters of each device from `/proc/PID/net/dev`. */
export const parseCounters = (text: string): Map<string, NetworkStats> => {
  const toStats = (line: string): NetworkStats => {
    const values = line.split(/ +/).map(Number);
    const counters = Object.entries(COLUMNS).map(([name, column]) => [name, values[column]]);
    return Object.fromEntries(counters) as NetworkStats;
  };
  return new Map([...text.matchAll(LINE)].map(([, device = '', line = '']) => [device, toStats(line)]));
};

const toMetrics = (name: string, stats: NetworkStats): NicMetrics => {
  const { rx_dropped: rx_drops, tx_dropped: tx_drops, ...others } = stats;
  return { name, ...others, rx_drops, tx_drops };
};

/**
 * Counts the NICs on engine networks from the container's side. Of several, Podman 4.3 counts only the first, and Docker
 * does not say which is which, so the counters of their devices are read from the kernel.
 */
const countEngineNics = async (
  engine: Engine,
  container: Running,
  networks: NetworksStats,
): Promise<Record<string, NicMetrics>> => {
  const own = container.nics.filter(isEngineNic);
  const [only] = Object.values(networks ?? {});
  const [{ name = '' } = {}] = own;
  if (own.length < 2) return only && own.length > 0 ? { [name]: toMetrics(name, only) } : {};
  const devices = await engineDevices(container, await engine.kind());
  const counters = parseCounters(await readFile(`/proc/${container.pid}/net/dev`, 'utf8'));
  const metrics: Record<string, NicMetrics> = {};
  for (const [index, { name = '' }] of own.entries()) {
    const stats = counters.get(devices[index] ?? '');
    if (stats) metrics[name] = toMetrics(name, stats);
  }
  return metrics;
};

/**
 * Returns the counters of a running container's NICs by name. Those on the host's bridges are counted at their host end.
 * @param networks the engine's counters, if the container has NICs on its networks
 * @throws when the container has stopped
 */
export const countNics = async (
  engine: Engine,
  container: Running,
  networks: NetworksStats,
): Promise<Record<string, NicMetrics>> => {
  const metrics = await countEngineNics(engine, container, networks);
  for (const { name = '', device } of container.nics as readonly Nic[])
    if (device) metrics[name] = await tapCounters(name, device);
  return metrics;
};
