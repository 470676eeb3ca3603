import { chmod, mkdir, stat } from 'node:fs/promises';
import { servicesDir } from '../../config/load.js';
import { AgentError } from '../../errors.js';

const OWNER_ONLY = 0o700;
/** Everything, but that others may pass through to what is below and is theirs: guests run as users of their own. */
const WITH_PASSAGE = 0o711;
const PERMISSIONS = 0o777;

/**
 * Makes the directory of the state, and in it the one for the sockets of the sub-agents. What is there already is
 * closed to other local users.
 * @throws {AgentError} `conflict` when it belongs to somebody else, who could change what is in it
 */
export const makePrivateDirs = async (dbpath: string): Promise<void> => {
  await mkdir(dbpath, { recursive: true, mode: OWNER_ONLY });
  const { uid, mode } = await stat(dbpath);
  if (uid !== 0 && uid !== process.getuid?.())
    throw new AgentError('conflict', `${dbpath} belongs to another user: chown it, or choose another dbpath`);
  if (mode & PERMISSIONS & ~WITH_PASSAGE) await chmod(dbpath, mode & WITH_PASSAGE);
  await mkdir(servicesDir(dbpath), { recursive: true, mode: OWNER_ONLY });
  await chmod(servicesDir(dbpath), OWNER_ONLY);
};
