import { chmod, mkdir, stat } from 'node:fs/promises';
import { servicesDir } from '../../config/load.js';
import { AgentError } from '../../errors.js';

const OWNER_ONLY = 0o700;
/** Lets other users traverse to their own files below: each guest runs as its own user. */
const TRAVERSABLE = 0o711;
const PERMISSIONS = 0o777;

/**
 * Creates the state directory and, in it, the directory of the sub-agents' sockets. Existing ones are closed to other
 * local users.
 * @throws {AgentError} `conflict` when the state directory belongs to another user, who could change its content
 */
export const makePrivateDirs = async (dbpath: string): Promise<void> => {
  await mkdir(dbpath, { recursive: true, mode: OWNER_ONLY });
  const { uid, mode } = await stat(dbpath);
  if (uid !== 0 && uid !== process.getuid?.())
    throw new AgentError(
      'conflict',
      `${dbpath} belongs to another user: chown it, or configure another dbpath`,
    );
  if (mode & PERMISSIONS & ~TRAVERSABLE) await chmod(dbpath, mode & TRAVERSABLE);
  await mkdir(servicesDir(dbpath), { recursive: true, mode: OWNER_ONLY });
  await chmod(servicesDir(dbpath), OWNER_ONLY);
};
