import { join } from 'node:path';
import { AgentError } from '../errors.js';
import { type FileLock, lockFile } from './file-lock.js';

/** A predecessor that was just killed may not have released the lock yet. */
const WAIT_SECONDS = 3;

/**
 * Locks a directory against other programs that would keep their state or their sockets in it.
 * @param user the program that another lock on it belongs to, such as `agent`
 * @param option the option that names another directory
 * @throws {AgentError} `conflict` when another process has locked the directory
 */
export const lockDirectory = async (
  directory: string,
  user = 'agent',
  option = 'dbpath',
): Promise<FileLock> => {
  const lock = await lockFile(join(directory, 'lock'), WAIT_SECONDS);
  if (lock) return lock;
  throw new AgentError(
    'conflict',
    `another ${user} is using ${directory}: stop it, or choose another ${option}`,
  );
};
