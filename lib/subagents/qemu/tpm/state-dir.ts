import { chmod, lchown, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists } from '../../../files/atomic-files.js';
import { tpmStateDir } from './paths.js';

/**
 * Finds the directory of a TPM's state, or makes an empty one for a new TPM.
 * @param dirs the directories of the guest's files
 * @param uid the user that the files get; a guest may get another one
 */
export const prepareTpmState = async (dirs: readonly string[], uid: number | undefined): Promise<string> => {
  const all = dirs.map(tpmStateDir);
  const found = await Promise.all(all.map((dir) => ifExists(stat(dir))));
  const dir = all.find((_, index) => found[index]?.isDirectory()) ?? all[0] ?? '';
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (uid === undefined) return dir;
  await chmod(dir, 0o700);
  for (const name of await readdir(dir)) await lchown(join(dir, name), uid, uid);
  await lchown(dir, uid, uid);
  return dir;
};
