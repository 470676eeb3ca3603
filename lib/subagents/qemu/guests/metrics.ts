import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { ifExists } from '../../../files/atomic-files.js';
import { diskLabels, diskNumber } from '../../../model/disks.js';
import type { CpuMetrics, DiskMetrics, NicMetrics } from '../../../model/metrics.js';
import type { GuestCounters } from '../../../rpc/protocol/metrics-messages.js';
import { backupNodeName } from '../../shared/block-nodes.js';
import { diskNodeName } from '../../shared/guest-run-dir.js';
import { tapCounters } from '../../shared/network/tap-counters.js';
import { findQemu } from '../process/process.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import type { Watch } from './watch.js';

const NS_PER_SECOND = 1e9;
const MAX_CONCURRENT_GUESTS = 16;
/** USER_HZ, the unit of times in proc(5) on every x86 Linux. */
const TICKS_PER_SECOND = 100;
/** The index of `guest_time`, field 43 of /proc/PID/stat (proc(5)), counted from field 3, which follows the name. */
const GUEST_TIME = 43 - 3;

/** A part of QEMU's `CpuInfoFast`. */
interface VcpuThread {
  'thread-id': number;
}

/** A part of QEMU's `BlockStats`. */
interface BlockStats {
  'node-name'?: string;
  stats: Record<string, unknown>;
}

/** @throws when the guest is off */
const requireRunning = async (guests: Guests, id: string): Promise<{ entry: Entry; watch: Watch }> => {
  const entry = guests.get(id);
  const { state } = await guests.state(entry);
  if (!entry.watch) throw entry.stateError(state, 'only a running guest has metrics');
  return { entry, watch: entry.watch };
};

/** Reads the seconds that a KVM thread spent in guest mode; 0 where the kernel does not count them. */
const readGuestTime = async (task: string): Promise<number> => {
  const stat = await readFile(join(task, 'stat'), 'utf8');
  // The name may contain blanks and parentheses; the last parenthesis closes it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[GUEST_TIME] ?? 0) / TICKS_PER_SECOND;
};

const vcpuMetrics = async (task: string): Promise<CpuMetrics> => {
  const [schedstat, guestTime] = await Promise.all([
    readFile(join(task, 'schedstat'), 'utf8'),
    readGuestTime(task),
  ]);
  const cpuTime = Number(schedstat.split(' ')[0]) / NS_PER_SECOND;
  return { cpu_time: cpuTime, vcpu_time: guestTime > 0 ? guestTime : cpuTime };
};

/** Measures the CPU time of each vCPU's thread, in seconds: QMP `query-cpus-fast` and proc(5). */
export const cpuMetrics = async (guests: Guests, id: string): Promise<CpuMetrics[]> => {
  const { entry, watch } = await requireRunning(guests, id);
  const threads = await watch.execute<VcpuThread[]>('query-cpus-fast');
  const pid = await findQemu(entry.paths);
  // A guest that took over its QEMU could name other files here, or more threads than can be read.
  const vcpus = threads.slice(0, entry.record.definition.cpu).map((thread) => Number(thread['thread-id']));
  return Promise.all(vcpus.map((thread) => vcpuMetrics(`/proc/${pid}/task/${thread}`)));
};

/**
 * Translates QEMU's counters of one disk (`BlockDeviceStats`). A value that is not a count becomes 0: a guest that took
 * over its QEMU can report anything, and the agent would reject the counters of all guests with it.
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

/** Measures each disk since QEMU's start, by `diskLabels`: QMP `query-blockstats`. */
export const diskMetrics = async (guests: Guests, id: string): Promise<Record<string, DiskMetrics>> => {
  const { entry, watch } = await requireRunning(guests, id);
  const { disks } = entry.record.definition;
  const metrics: Record<string, DiskMetrics> = {};
  const blocks = await watch.execute<BlockStats[]>('query-blockstats');
  const byNode = new Map(blocks.map((block) => [block['node-name'], block.stats]));
  for (const [index, label] of diskLabels(id, disks).entries()) {
    const number = diskNumber(disks[index] ?? {}, index);
    const stats = byNode.get(diskNodeName(number)) ?? byNode.get(backupNodeName(number));
    if (stats) metrics[label] = toDiskMetrics(label, stats);
  }
  return metrics;
};

/** Measures each NIC on a bridge, by the NIC's name. NICs on network `user` have no counters. */
export const nicMetrics = async (guests: Guests, id: string): Promise<Record<string, NicMetrics>> => {
  const { entry } = await requireRunning(guests, id);
  const metrics: Record<string, NicMetrics> = {};
  for (const { name, device } of entry.record.definition.nics) {
    // A NIC that is being added or removed may have no tap.
    const counters = name && device ? await ifExists(tapCounters(name, device)) : undefined;
    if (name && counters) metrics[name] = counters;
  }
  return metrics;
};

/** Reads a process's resident memory in bytes: `VmRSS` in proc(5). */
const residentBytes = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
};

const guestCounters = async (guests: Guests, { id, paths }: Entry): Promise<GuestCounters> => {
  const [cpu, disk, nic, pid] = await Promise.all([
    cpuMetrics(guests, id),
    diskMetrics(guests, id),
    nicMetrics(guests, id),
    findQemu(paths),
  ]);
  return { guest: id, cpu, disk, nic, ...(pid ? { memory: await residentBytes(pid) } : {}) };
};

/** Measures all running guests, and omits those that exit meanwhile. */
export const allMetrics = async (guests: Guests): Promise<GuestCounters[]> => {
  const limit = pLimit(MAX_CONCURRENT_GUESTS);
  const running = guests.all().filter(({ watch }) => watch !== undefined);
  const counters = await Promise.all(
    running.map((entry) => limit(() => guestCounters(guests, entry).catch(() => undefined))),
  );
  return counters.filter((each) => each !== undefined);
};
