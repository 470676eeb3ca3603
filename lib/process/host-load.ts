import { readFile } from 'node:fs/promises';
import { cpus, freemem, totalmem } from 'node:os';

const AVAILABLE = /^MemAvailable:\s+(\d+) kB$/m;
const KB = 1024;

/** The CPU time of a host. */
export interface CpuTime {
  /** Seconds that its CPUs have worked in all, since its boot. */
  busy: number;
}

export const readCpuTime = (): CpuTime => ({
  busy: cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0) / 1000,
});

/** Returns the bytes that programs can still get without swapping: proc_meminfo(5). What the kernel caches is available. */
export const readAvailableMemory = async (): Promise<number> => {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const [, kb] = AVAILABLE.exec(text) ?? [];
  return kb === undefined ? freemem() : Number(kb) * KB;
};

export const readUsedMemory = async (): Promise<number> => totalmem() - (await readAvailableMemory());
