import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { replaceFile } from '../../files/atomic-files.js';
import { exists } from '../../files/exists.js';
import { REPOSITORY_FILE } from './restic/repository.js';

const KEY_BYTES = 32;

/**
 * Makes the key of a repository at the first start.
 * @throws when the key of a repository in use is gone
 */
export const makeKey = async (dir: string): Promise<void> => {
  const path = join(dir, 'key');
  if (await exists(path)) return;
  if (await exists(join(dir, REPOSITORY_FILE)))
    throw new Error(
      `${path}, the key of the backup repository, is gone: put it back from where you keep it; without it no backup can be read`,
    );
  await replaceFile(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`);
};
