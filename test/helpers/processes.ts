import { readdir, readFile } from 'node:fs/promises';

/** Processes that have a text on their command line. */
export const processesWith = async (text: string): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((pid, n) => pid !== process.pid && lines[n]?.includes(text));
};
