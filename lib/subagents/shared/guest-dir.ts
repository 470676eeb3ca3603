import { readFile } from 'node:fs/promises';
import { dirname, sep } from 'node:path';

/** The directory of ZFS volumes' block devices. */
const ZVOLS = '/dev/zvol/';

/**
 * Returns where a ZFS dataset is mounted: `44 43 0:41 / /tank/guests rw - zfs tank/guests rw` in proc(5)'s mountinfo.
 */
const mountpointOf = async (dataset: string): Promise<string | undefined> => {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const line = lines.find((each) => / - \S*zfs (\S+) /.exec(each)?.[1] === dataset);
  return line
    ?.split(' ')[4]
    ?.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));
};

/** Returns the directory of the guest that a disk is in; `undefined` when it has none. */
export const guestDirOf = async (guest: string, source: string): Promise<string | undefined> => {
  if (source.startsWith(ZVOLS)) return mountpointOf(dirname(source.slice(ZVOLS.length)));
  const parts = source.split(sep);
  const at = parts.lastIndexOf(guest);
  return at === -1 ? undefined : parts.slice(0, at + 1).join(sep);
};
