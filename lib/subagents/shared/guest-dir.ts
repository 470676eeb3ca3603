import { dirname, sep } from 'node:path';
import { readMounts } from './mounts.js';
import { ZVOLS } from './paths.js';

/** Returns where a ZFS dataset is mounted; zfs-fuse has a type of its own. */
const mountpointOf = async (dataset: string): Promise<string | undefined> =>
  (await readMounts()).find(({ type, source }) => type.endsWith('zfs') && source === dataset)?.point;

/** Returns the directory of the guest that a disk is in; `undefined` when it has none. */
export const guestDirOf = async (guest: string, source: string): Promise<string | undefined> => {
  if (source.startsWith(ZVOLS)) return mountpointOf(dirname(source.slice(ZVOLS.length)));
  const parts = source.split(sep);
  const at = parts.lastIndexOf(guest);
  return at === -1 ? undefined : parts.slice(0, at + 1).join(sep);
};
