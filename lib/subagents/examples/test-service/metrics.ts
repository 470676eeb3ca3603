import type { Guest } from '../../../model/guest.js';
import type { CpuMetrics, DiskMetrics, NicMetrics } from '../../../model/metrics.js';
import type {
  AllMetricsResponse,
  GuestMetricsRequest,
  GuestMetricsResponse,
} from '../../../rpc/protocol/metrics-messages.js';

const CPU: CpuMetrics = { cpu_time: 12.5, vcpu_time: 11.25 };

const DISK: Omit<DiskMetrics, 'disk'> = {
  read_ops: 1536,
  read_bytes: 25_165_824,
  read_time: 0.75,
  write_ops: 512,
  write_bytes: 8_388_608,
  write_time: 0.5,
  flush_ops: 16,
  flush_time: 0.125,
};

const NIC: Omit<NicMetrics, 'name'> = {
  rx_bytes: 1_048_576,
  rx_packets: 1024,
  rx_errors: 0,
  rx_drops: 0,
  tx_bytes: 524_288,
  tx_packets: 768,
  tx_errors: 0,
  tx_drops: 0,
};

const diskNames = ({ disks }: Guest): string[] =>
  disks?.map((disk, index) => disk.device || `vd${String.fromCharCode(97 + index)}`) ?? ['vda'];

const nicNames = ({ nics }: Guest): string[] =>
  nics?.map((nic, index) => nic.name ?? `net${index}`) ?? ['net0'];

export const cpuMetrics = ({ guest }: GuestMetricsRequest): GuestMetricsResponse => ({
  guest,
  type: 'cpu',
  cpu: Array.from({ length: guest.cpu ?? 1 }, () => CPU),
});

export const diskMetrics = ({ guest }: GuestMetricsRequest): GuestMetricsResponse => ({
  guest,
  type: 'disk',
  disk: Object.fromEntries(diskNames(guest).map((disk) => [disk, { disk, ...DISK }])),
});

export const nicMetrics = ({ guest }: GuestMetricsRequest): GuestMetricsResponse => ({
  guest,
  type: 'nic',
  nic: Object.fromEntries(nicNames(guest).map((name) => [name, { name, ...NIC }])),
});

/** Returns the counters of one made-up guest. */
export const allMetrics = (): AllMetricsResponse => ({
  guests: [
    {
      guest: '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10',
      cpu: [CPU],
      disk: { vda: { disk: 'vda', ...DISK } },
      nic: { net0: { name: 'net0', ...NIC } },
      memory: 134_217_728,
    },
  ],
});
