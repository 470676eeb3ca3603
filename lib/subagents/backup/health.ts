import { join } from 'node:path';
import { execa } from 'execa';
import { exists } from '../../files/exists.js';
import { resticError } from './restic/failure.js';
import type { Repository } from './restic/repository.js';

/** Asks restic for its version: `0.14.0`; `undefined` when it does not run. */
export const resticVersion = async (): Promise<string | undefined> => {
  const { failed, stdout } = await execa('restic', ['version'], { reject: false, stdin: 'ignore' });
  return failed ? undefined : (/^restic (\S+)/.exec(stdout)?.[1] ?? 'unknown');
};

/**
 * Returns what keeps a repository that is in use from working, as far as this host can tell without asking a server. A host
 * without backups needs no restic.
 */
export const checkHealth = async (repository: Repository): Promise<string | undefined> => {
  if (!(await repository.isInUse())) return undefined;
  const { settings } = repository;
  if ((await resticVersion()) === undefined) return resticError('no_program', '', settings).message;
  const { localDir } = settings;
  return localDir === undefined || (await exists(join(localDir, 'config')))
    ? undefined
    : resticError('no_repository', `${localDir} has no repository`, settings).message;
};
