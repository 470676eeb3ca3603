import { readdir, readFile, readlink } from 'node:fs/promises';

/** The arguments of a process, and the paths of what it has open. */
const tracesOf = async (pid: string): Promise<string[]> => {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  return Promise.all([
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    ...names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')),
  ]);
};

/** Other processes that have a path on their command line or open; a part of it is enough. */
export const processesWith = async (path: string): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const traces = await Promise.all(pids.map(tracesOf));
  return pids.filter((_, n) => traces[n]?.some((trace) => trace.includes(path))).map(Number);
};
