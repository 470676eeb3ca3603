import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, hostname, loadavg, release, totalmem, uptime } from 'node:os';
import { packageVersion } from '../../files/package-root.js';
import type { HostCpu, HostMemory } from '../../model/host-details.js';
import type { HostProgram } from '../../model/host-program.js';
import { MB } from '../../model/units.js';

const AVAILABLE = /^MemAvailable:\s+(\d+) kB$/m;
const KB_PER_MB = 1024;

/** MB that programs can still get without swapping: proc_meminfo(5). What the kernel caches counts as available. */
const availableMemory = async (): Promise<number> => {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const [, kb] = AVAILABLE.exec(text) ?? [];
  return Math.floor(kb === undefined ? freemem() / MB : Number(kb) / KB_PER_MB);
};

export const readMemory = async (): Promise<Omit<HostMemory, 'guests'>> => ({
  size: Math.floor(totalmem() / MB),
  available: await availableMemory(),
});

export const readCpu = (): HostCpu => {
  const [first] = cpus();
  const model = first?.model.trim();
  return {
    count: availableParallelism(),
    ...(model ? { model } : {}),
    load: loadavg().map((load) => Math.round(load * 100) / 100),
  };
};

/** The programs that the agent itself runs on. */
export const ownPrograms = (): HostProgram[] => [
  { name: 'Mistify Agent', version: packageVersion() },
  { name: 'Node.js', version: process.versions.node },
  { name: 'Linux', version: release() },
];

export const readIdentity = (): { name: string; booted: string } => ({
  name: hostname(),
  // Rounded, because each reading differs by some milliseconds.
  booted: new Date(Math.round(Date.now() / 1000 - uptime()) * 1000).toISOString(),
});
