import { chown, mkdir } from 'node:fs/promises';
import { exists } from '../../../files/exists.js';
import type { ResticSettings } from './settings.js';

/** Makes the directory of a local repository, for restic's user, unless it exists. */
export const makeLocalDirectory = async ({
  localDir,
  user,
}: Pick<ResticSettings, 'localDir' | 'user'>): Promise<void> => {
  if (localDir === undefined || (await exists(localDir))) return;
  await mkdir(localDir, { recursive: true, mode: 0o700 });
  await chown(localDir, user.uid, user.gid);
};
