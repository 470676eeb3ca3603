import { availableParallelism, cpus, hostname, loadavg, release, totalmem, uptime } from 'node:os';
import { packageVersion } from '../../files/package-root.js';
import type { HostCpu, HostMemory } from '../../model/host-details.js';
import type { HostProgram } from '../../model/host-program.js';
import { MB } from '../../model/units.js';
import { readAvailableMemory } from '../../process/host-load.js';

export const readMemory = async (): Promise<Omit<HostMemory, 'guests'>> => ({
  size: Math.floor(totalmem() / MB),
  available: Math.floor((await readAvailableMemory()) / MB),
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
