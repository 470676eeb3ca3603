import { Counter, Gauge, type Registry } from 'prom-client';
import type { DiskMetrics, NicMetrics } from '../model/metrics.js';
import type { GuestCounters } from '../rpc/protocol/metrics-messages.js';
import { GUEST_LABELS, type GuestLabels } from './guest-labels.js';

const DISK_COUNTERS: readonly [keyof DiskMetrics, string, string][] = [
  ['read_ops', 'mistify_guest_disk_reads_total', 'Reads of a disk'],
  ['read_bytes', 'mistify_guest_disk_read_bytes_total', 'Bytes read from a disk'],
  ['read_time', 'mistify_guest_disk_read_seconds_total', 'Seconds that reads of a disk took'],
  ['write_ops', 'mistify_guest_disk_writes_total', 'Writes to a disk'],
  ['write_bytes', 'mistify_guest_disk_written_bytes_total', 'Bytes written to a disk'],
  ['write_time', 'mistify_guest_disk_write_seconds_total', 'Seconds that writes to a disk took'],
  ['flush_ops', 'mistify_guest_disk_flushes_total', 'Flushes of a disk'],
  ['flush_time', 'mistify_guest_disk_flush_seconds_total', 'Seconds that flushes of a disk took'],
];

const NIC_COUNTERS: readonly [keyof NicMetrics, string, string][] = [
  ['rx_bytes', 'mistify_guest_nic_receive_bytes_total', 'Bytes that the guest received'],
  ['rx_packets', 'mistify_guest_nic_receive_packets_total', 'Packets that the guest received'],
  ['rx_errors', 'mistify_guest_nic_receive_errors_total', 'Receive errors of the guest'],
  ['rx_drops', 'mistify_guest_nic_receive_drops_total', 'Dropped packets to the guest'],
  ['tx_bytes', 'mistify_guest_nic_transmit_bytes_total', 'Bytes that the guest sent'],
  ['tx_packets', 'mistify_guest_nic_transmit_packets_total', 'Packets that the guest sent'],
  ['tx_errors', 'mistify_guest_nic_transmit_errors_total', 'Send errors of the guest'],
  ['tx_drops', 'mistify_guest_nic_transmit_drops_total', 'Dropped packets from the guest'],
];

const addDevices = <Key extends string>(
  counters: ReadonlyMap<Key, Counter>,
  labels: GuestLabels,
  devices: Record<string, Record<Key, unknown>>,
): void => {
  for (const [device, values] of Object.entries(devices))
    for (const [key, counter] of counters) counter.inc({ ...labels, device }, Number(values[key]) || 0);
};

/** The guests' counters as Prometheus metrics, with its naming conventions and base units. */
export class GuestCounterMetrics {
  readonly #cpu: Counter;
  readonly #memory: Gauge;
  readonly #disk: ReadonlyMap<keyof DiskMetrics, Counter>;
  readonly #nic: ReadonlyMap<keyof NicMetrics, Counter>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#cpu = new Counter({
      name: 'mistify_guest_cpu_seconds_total',
      help: 'CPU time that a vCPU of the guest used',
      labelNames: [...GUEST_LABELS, 'vcpu'],
      registers,
    });
    this.#memory = new Gauge({
      name: 'mistify_guest_memory_resident_bytes',
      help: 'Host memory that the guest occupies',
      labelNames: GUEST_LABELS,
      registers,
    });
    const counters = <Key>(table: readonly [Key, string, string][]): Map<Key, Counter> =>
      new Map(
        table.map(([key, name, help]) => [
          key,
          new Counter({ name, help, labelNames: [...GUEST_LABELS, 'device'], registers }),
        ]),
      );
    this.#disk = counters(DISK_COUNTERS);
    this.#nic = counters(NIC_COUNTERS);
  }

  /**
   * Replaces all values, so that deleted guests disappear.
   * @param labelsOf returns the labels of a guest by its id; `undefined` for one that does not exist
   */
  set(guests: readonly GuestCounters[], labelsOf: (guest: string) => GuestLabels | undefined): void {
    for (const metric of [this.#cpu, this.#memory, ...this.#disk.values(), ...this.#nic.values()])
      metric.reset();
    for (const { guest, cpu = [], disk = {}, nic = {}, memory } of guests) {
      const labels = labelsOf(guest);
      if (!labels) continue;
      for (const [vcpu, { cpu_time: seconds }] of cpu.entries()) this.#cpu.inc({ ...labels, vcpu }, seconds);
      if (memory !== undefined) this.#memory.set({ ...labels }, memory);
      addDevices(this.#disk, labels, disk);
      addDevices(this.#nic, labels, nic);
    }
  }
}
