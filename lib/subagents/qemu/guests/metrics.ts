import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { CpuMetrics, DiskMetrics, NicMetrics } from '../../../model/metrics.js';
import type { GuestCounters } from '../../../rpc/protocol/messages.js';
import { tapCounters } from '../../shared/network/tap-counters.js';
import { findQemu } from '../process/process.js';
import type { Entry, Guests } from './guests.js';
import type { Watch } from './watch.js';

const NS_PER_SECOND = 1e9;
const MEASURED_AT_ONCE = 16;
/** USER_HZ: what proc(5) counts times in, on every x86 Linux. */
const TICKS_PER_SECOND = 100;
/** proc(5), /proc/pid/stat: `guest_time` is field 43; the first after the command's name is field 3. */
const GUEST_TIME = 43 - 3;

interface VcpuThread {
  'thread-id': number;
}

interface BlockStats {
  qdev?: string;
  'node-name'?: string;
  stats: Record<string, unknown>;
}

const runningWatch = async (guests: Guests, id: string): Promise<{ entry: Entry; watch: Watch }> => {
  const entry = guests.get(id);
  const { state } = await guests.state(entry);
  if (!entry.watch) throw new Error(`guest ${id} is ${state}: only a running guest has metrics`);
  return { entry, watch: entry.watch };
};

/** The time that a thread of KVM spent in the guest, seconds; 0 where the kernel does not count it. */
const guestTime = async (task: string): Promise<number> => {
  const stat = await readFile(join(task, 'stat'), 'utf8');
  // The name may have blanks and parentheses in it; the last one closes it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[GUEST_TIME] ?? 0) / TICKS_PER_SECOND;
};

const vcpuMetrics = async (task: string): Promise<CpuMetrics> => {
  const [schedstat, inGuest] = await Promise.all([
    readFile(join(task, 'schedstat'), 'utf8'),
    guestTime(task),
  ]);
  const cpuTime = Number(schedstat.split(' ')[0]) / NS_PER_SECOND;
  return { cpu_time: cpuTime, vcpu_time: inGuest > 0 ? inGuest : cpuTime };
};

/** The CPU time of each vCPU's thread. */
export const cpuMetrics = async (guests: Guests, id: string): Promise<CpuMetrics[]> => {
  const { entry, watch } = await runningWatch(guests, id);
  const threads = await watch.execute<VcpuThread[]>('query-cpus-fast');
  const pid = await findQemu(entry.paths);
  // A guest that took its QEMU over could name other files, and more than can be read.
  const vcpus = threads.slice(0, entry.record.definition.cpu).map((thread) => Number(thread['thread-id']));
  return Promise.all(vcpus.map((thread) => vcpuMetrics(`/proc/${pid}/task/${thread}`)));
};

const diskNumber = ({ qdev, 'node-name': node }: BlockStats): number => {
  const match = /-disk(?<n>\d+)(\/|$)/.exec(qdev ?? '') ?? /^disk(?<n>\d+)$/.exec(node ?? '');
  return match ? Number(match.groups?.n) : -1;
};

/**
 * QMP's counters of one disk (`BlockDeviceStats`) in the contract's words and units. What is no count is 0: a guest
 * that took its QEMU over may say anything, and the agent would take none of the other guests' counters either.
 */
export const toDiskMetrics = (disk: string, stats: Record<string, unknown>): DiskMetrics => {
  const count = (key: string, unit = 1): number => {
    const value = Number(stats[key]) / unit;
    return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : 0;
  };
  const seconds = (key: string): number => count(key, NS_PER_SECOND);
  return {
    disk,
    read_ops: count('rd_operations'),
    read_bytes: count('rd_bytes'),
    read_time: seconds('rd_total_time_ns'),
    write_ops: count('wr_operations'),
    write_bytes: count('wr_bytes'),
    write_time: seconds('wr_total_time_ns'),
    flush_ops: count('flush_operations'),
    flush_time: seconds('flush_total_time_ns'),
  };
};

/** The counters of each disk, by its device name. */
export const diskMetrics = async (guests: Guests, id: string): Promise<Record<string, DiskMetrics>> => {
  const { entry, watch } = await runningWatch(guests, id);
  const { disks } = entry.record.definition;
  const metrics: Record<string, DiskMetrics> = {};
  for (const block of await watch.execute<BlockStats[]>('query-blockstats')) {
    const disk = disks[diskNumber(block)];
    if (disk) metrics[disk.device] = toDiskMetrics(disk.device, block.stats);
  }
  return metrics;
};

/** proc(5): what of a process is in memory, in bytes. */
const residentBytes = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
};

/** Everything that is counted of each guest that runs. One that ends meanwhile is left out. */
export const allMetrics = async (guests: Guests): Promise<GuestCounters[]> => {
  const measure = async ({ id, paths, watch }: Entry): Promise<GuestCounters[]> => {
    if (!watch) return [];
    try {
      const [cpu, disk, nic, pid] = await Promise.all([
        cpuMetrics(guests, id),
        diskMetrics(guests, id),
        nicMetrics(guests, id),
        findQemu(paths),
      ]);
      return [{ guest: id, cpu, disk, nic, ...(pid ? { memory: await residentBytes(pid) } : {}) }];
    } catch {
      return [];
    }
  };
  const atOnce = pLimit(MEASURED_AT_ONCE);
  return (await Promise.all(guests.all().map((entry) => atOnce(() => measure(entry))))).flat();
};

/** The counters of each nic on a bridge, by its name; user-mode networking counts nothing. */
export const nicMetrics = async (guests: Guests, id: string): Promise<Record<string, NicMetrics>> => {
  const { entry } = await runningWatch(guests, id);
  const metrics: Record<string, NicMetrics> = {};
  for (const { name, device } of entry.record.definition.nics) {
    if (name && device) metrics[name] = await tapCounters(name, device);
  }
  return metrics;
};
