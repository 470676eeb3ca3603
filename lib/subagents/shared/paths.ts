import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, sep } from 'node:path';

/** The directory of ZFS volumes' block devices. */
export const ZVOLS = '/dev/zvol/';

/** Whether a path is below a directory. Both are real paths. */
export const isInside = (path: string, dir: string): boolean => {
  const rest = relative(dir, path);
  return rest !== '' && rest !== '..' && !rest.startsWith(`..${sep}`) && !isAbsolute(rest);
};

/** Follows the symbolic links of directories that exist. */
export const realDirs = async (dirs: readonly string[]): Promise<string[]> =>
  Promise.all(dirs.map((dir) => realpath(dir).catch(() => dir)));
