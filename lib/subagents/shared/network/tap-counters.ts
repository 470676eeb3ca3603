import { readFile } from 'node:fs/promises';
import type { NicMetrics } from '../../../model/metrics.js';
import { SYS_NET } from './linux-bridge.js';

/**
 * Reads a NIC's counters from its tap in sysfs (Documentation/ABI/testing/sysfs-class-net-statistics of Linux) and
 * swaps the directions: what the host sends into the tap is what the guest receives.
 * @param name the name of the NIC in the result
 */
export const tapCounters = async (name: string, tap: string): Promise<NicMetrics> => {
  const read = async (counter: string): Promise<number> =>
    Number(await readFile(`${SYS_NET}/${tap}/statistics/${counter}`, 'utf8'));
  const [rxBytes, rxPackets, rxErrors, rxDrops, txBytes, txPackets, txErrors, txDrops] = await Promise.all([
    read('tx_bytes'),
    read('tx_packets'),
    read('tx_errors'),
    read('tx_dropped'),
    read('rx_bytes'),
    read('rx_packets'),
    read('rx_errors'),
    read('rx_dropped'),
  ]);
  return {
    name,
    rx_bytes: rxBytes,
    rx_packets: rxPackets,
    rx_errors: rxErrors,
    rx_drops: rxDrops,
    tx_bytes: txBytes,
    tx_packets: txPackets,
    tx_errors: txErrors,
    tx_drops: txDrops,
  };
};
