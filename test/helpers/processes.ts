import { readdir, readFile, readlink } from 'node:fs/promises';

/** Processes that have a text on their command line. */
export const processesWith = async (text: string): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((pid, n) => pid !== process.pid && lines[n]?.includes(text));
};

/** Other processes that have a file open. */
export const processesThatOpened = async (path: string): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const opened = await Promise.all(
    pids.map(async (pid) => {
      const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
      return Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
    }),
  );
  return pids.filter((pid, n) => pid !== process.pid && opened[n]?.includes(path));
};
