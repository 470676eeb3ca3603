import { readdir } from 'node:fs/promises';

/** Lists the ids of the processes of this host that this program may see: proc(5). */
export const listPids = async (): Promise<string[]> =>
  (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
