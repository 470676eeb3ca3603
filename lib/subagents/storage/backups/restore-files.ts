import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ifExists, moveIntoPlace, OWNER_ONLY } from '../../../files/atomic-files.js';
import { TPM_FILE } from '../../../model/guest-export.js';
import { isRoot, NOBODY } from '../../../process/unprivileged.js';
import { asideNvramPath, nvramPath } from '../../shared/nvram.js';
import { copyStandaloneFile } from '../qcow2/copy.js';

/** The names of the files of UEFI variables. */
const VARIABLES: ReadonlySet<string> = new Set(
  [nvramPath(''), asideNvramPath('', false), asideNvramPath('', true)].map((path) => basename(path)),
);

/** The suffix of a file that is not in place yet. No file of a guest has it. */
const UNFINISHED = '+new';

/**
 * Copies UEFI variables, without their snapshots, which belong to other disks. A repository may have anything in them, so
 * the program that reads them runs without privileges.
 */
const copyVariables = async (from: string, to: string): Promise<void> => {
  if (isRoot()) await chown(from, NOBODY, NOBODY);
  await copyStandaloneFile(from, to);
};

const copyBytes = async (from: string, to: string): Promise<void> =>
  // The directory may belong to the guest's TPM, which could have put a link there.
  writeFile(to, await readFile(from), { mode: OWNER_ONLY, flag: 'wx' });

/**
 * Puts small files of a guest that is off in place, each as a whole. May be repeated.
 * @param dir the directory that has them, by their names
 * @param names those of files of no known kind are left out
 */
export const placeSmallFiles = async (
  guestDir: string,
  dir: string,
  names: readonly string[],
): Promise<void> => {
  for (const name of names) {
    const isVariables = VARIABLES.has(name);
    const from = join(dir, name);
    if (!(isVariables || TPM_FILE.test(name)) || !(await ifExists(stat(from)))) continue;
    const to = join(guestDir, name);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await rm(`${to}${UNFINISHED}`, { force: true });
    await (isVariables ? copyVariables : copyBytes)(from, `${to}${UNFINISHED}`);
    await moveIntoPlace(`${to}${UNFINISHED}`, to);
  }
};
