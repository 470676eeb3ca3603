import { join } from 'node:path';
import { execa } from 'execa';
import { exists } from '../../files/exists.js';
import { resticError } from './restic/failure.js';
import type { Repository } from './restic/repository.js';

/**
 * Returns what keeps a repository that is in use from working, as far as this host can tell without asking a server. A host
 * without backups needs no restic.
 */
export const checkHealth = async (repository: Repository): Promise<string | undefined> => {
  if (!(await repository.isInUse())) return undefined;
  const { settings } = repository;
  const { failed } = await execa('restic', ['version'], { reject: false, stdin: 'ignore' });
  if (failed) return resticError('no_program', '', settings).message;
  const { localDir } = settings;
  return localDir === undefined || (await exists(join(localDir, 'config')))
    ? undefined
    : resticError('no_repository', `${localDir} has no repository`, settings).message;
};
