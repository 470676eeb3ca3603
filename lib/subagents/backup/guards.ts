import { execa } from 'execa';
import { endingWithParent } from '../../process/with-parent.js';
import type { Expectation } from './chunks/tree.js';
import type { Summary } from './restic/snapshots.js';
import type { ResticUser } from './restic/user.js';

/** A file of mode 0 in the directory of all trees. */
export const PROBE = '.probe';

/** A snapshot that does not have what it should have. Nothing that relies on its files may be stored any more. */
export class SpoiledError extends Error {
  override readonly name = 'SpoiledError';
}

/**
 * Checks that restic's user cannot read a file of mode 0, which its capabilities could allow.
 * @param dir a directory that restic's user may enter
 * @param name a file of mode 0 in it
 * @throws when it can: restic would store the zeros of placeholders as the content of disks
 */
export const requireUnreadable = async (
  dir: string,
  name: string,
  { privileges }: ResticUser,
): Promise<void> => {
  const [program, ...args] = endingWithParent('KILL', ['cat', '--', name], { privileges });
  const env = { LC_ALL: 'C' };
  const { exitCode, stderr } = await execa(program, args, { cwd: dir, reject: false, stdin: 'ignore', env });
  if (exitCode === 0 || !/permission denied/i.test(stderr))
    throw new Error(
      `restic's user can read files that it must not be able to read, so backups are not safe: run this sub-agent as root, or without capabilities (${stderr.trim()})`,
    );
};

/**
 * Checks that restic has read what was written, and has taken all else from the parent snapshot.
 * @throws {SpoiledError}
 */
export const requireExact = (summary: Summary, { written, total }: Expectation): void => {
  const { files_new, files_changed, files_unmodified, total_files_processed } = summary;
  const isExact =
    files_new + files_changed === written &&
    files_unmodified === total - written &&
    total_files_processed === total;
  if (isExact) return;
  throw new SpoiledError(
    `restic read ${files_new + files_changed} files and took ${files_unmodified} from the last backup, where ${written} and ${total - written} were due: this backup is discarded, and the next one reads and stores everything`,
  );
};
