/** Counters of one vCPU, in seconds. */
export interface CpuMetrics {
  cpu_time: number;
  vcpu_time: number;
}

/** Counters of one disk: counts, bytes, and seconds. */
export interface DiskMetrics {
  disk: string;
  read_ops: number;
  read_bytes: number;
  read_time: number;
  write_ops: number;
  write_bytes: number;
  write_time: number;
  flush_ops: number;
  flush_time: number;
}

/** Counters of one nic, as the guest sees them: `rx` is what the guest received. */
export interface NicMetrics {
  name: string;
  rx_bytes: number;
  rx_packets: number;
  rx_errors: number;
  rx_drops: number;
  tx_bytes: number;
  tx_packets: number;
  tx_errors: number;
  tx_drops: number;
}

export type MetricsType = 'cpu' | 'disk' | 'nic';
