import { readdir, readFile, readlink } from 'node:fs/promises';

/** Lists the arguments of a process and the paths of its open files. */
const tracesOf = async (pid: string): Promise<string[]> => {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  return Promise.all([
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    ...names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')),
  ]);
};

const allPids = async (): Promise<string[]> => (await readdir('/proc')).filter((name) => /^\d+$/.test(name));

/** Lists the other processes with a path, or a part of it, in their arguments or open files. */
export const processesWith = async (path: string): Promise<number[]> => {
  const pids = (await allPids()).filter((name) => Number(name) !== process.pid);
  const traces = await Promise.all(pids.map(tracesOf));
  return pids.filter((_, n) => traces[n]?.some((trace) => trace.includes(path))).map(Number);
};

/** Lists the processes with a parent. */
export const childrenOf = async (parent: number): Promise<number[]> => {
  const pids = await allPids();
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  // The program's name, in brackets, may contain spaces: proc(5).
  return pids.filter((_, n) => Number(stats[n]?.split(') ').at(-1)?.split(' ')[1]) === parent).map(Number);
};
