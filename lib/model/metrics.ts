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

/** What is counted of one guest. */
export interface GuestMetrics {
  /** The guest's id. */
  guest: string;
  /** When it was counted: RFC 3339. */
  time: string;
  /** One per vCPU. */
  cpu?: CpuMetrics[];
  /** By device. */
  disk?: Record<string, DiskMetrics>;
  /** By name. */
  nic?: Record<string, NicMetrics>;
  /** What it takes of the host's memory, in bytes. */
  memory?: number;
}

export type MetricsType = 'cpu' | 'disk' | 'nic';
