/** Counters of a vCPU, in seconds. */
export interface CpuMetrics {
  cpu_time: number;
  vcpu_time: number;
}

/** Counters of a disk: operations, bytes and seconds. */
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

/** Counters of a NIC from the guest's side: `rx` is received by the guest. */
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

/** The counters of a guest. */
export interface GuestMetrics {
  /** The guest's id. */
  guest: string;
  /** When they were collected: RFC 3339. */
  time: string;
  /** One per vCPU. */
  cpu?: CpuMetrics[];
  /** By device. */
  disk?: Record<string, DiskMetrics>;
  /** By name. */
  nic?: Record<string, NicMetrics>;
  /** Bytes of host memory that the guest occupies. */
  memory?: number;
}

export type MetricsType = 'cpu' | 'disk' | 'nic';
