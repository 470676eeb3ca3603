import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const KILL_MS = 20_000;
const POLL_MS = 20;
const NS_PER_SECOND = 1e9;

/** Checks whether a process runs. A zombie does not count. */
export const isThere = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** Reads the processor seconds of a process's threads, in nanoseconds' precision; /proc/PID/stat has only hundredths. */
export const cpuSeconds = async (pid: number): Promise<number> => {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(
    threads.map((tid) => readFile(`/proc/${pid}/task/${tid}/schedstat`, 'utf8')),
  );
  return stats.reduce((sum, stat) => sum + Number(stat.split(' ')[0]), 0) / NS_PER_SECOND;
};

/** Kills a process and waits until it has exited. */
export const kill = async (pid: number): Promise<void> => {
  if (!isThere(pid)) return;
  process.kill(pid, 'SIGKILL');
  const giveUpAt = Date.now() + KILL_MS;
  while (isThere(pid)) {
    if (Date.now() > giveUpAt) throw new Error(`process ${pid} does not end`);
    await delay(POLL_MS);
  }
};
