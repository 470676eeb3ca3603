import { readFile } from 'node:fs/promises';
import { contains, type UidRange } from '../../../process/guest-uids.js';
import { listPids } from '../../../process/list-pids.js';

export const overlap = (one: UidRange, other: UidRange): boolean =>
  one.first <= other.last && other.first <= one.last;

/** Returns the real uid of a process, `undefined` when the process is gone: proc(5). */
const uidOf = async (pid: string): Promise<number | undefined> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, uid] = /^Uid:\s+(\d+)/m.exec(status) ?? [];
  return uid === undefined ? undefined : Number(uid);
};

/** Whether a process of this host runs with a uid of the range. */
export const uidsInUse = async (range: UidRange): Promise<boolean> => {
  for (const pid of await listPids()) {
    const uid = await uidOf(pid);
    if (uid !== undefined && contains(range, uid)) return true;
  }
  return false;
};
