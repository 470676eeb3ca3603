import { spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { AgentError } from '../errors.js';
import { type ChildExit, exitOf } from '../process/child-exit.js';
import { OWNER_ONLY } from './atomic-files.js';

/** The exit code of flock(1) when another process holds the lock. */
const LOCKED_EXIT_CODE = 75;

/** A lock that the kernel releases when this process exits, however it exits. */
export interface FileLock {
  release(): Promise<void>;
}

/** Files of locks, which would lose them if the garbage collector closed the files. */
const held = new Set<FileHandle>();

const flock = (fd: number, waitSeconds: number): Promise<ChildExit> => {
  const options = ['--timeout', `${waitSeconds}`, '--conflict-exit-code', `${LOCKED_EXIT_CODE}`];
  // Our file is descriptor 3 of the child.
  return exitOf(spawn('flock', [...options, '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] }));
};

/**
 * Locks a file, which is created if it is missing. flock(1) locks our own open file and exits; the lock lasts until this
 * process closes the file: flock(2). Programs that this process starts do not inherit it.
 * @param waitSeconds how long to wait for another process to release the lock
 * @returns `undefined` when another process still holds the lock
 * @throws {AgentError} `storage` when the file cannot be locked
 */
export const lockFile = async (path: string, waitSeconds: number): Promise<FileLock | undefined> => {
  const file = await open(path, 'a', OWNER_ONLY);
  // A process that can read the file can lock it.
  await file.chmod(OWNER_ONLY);
  const { exitCode, reason } = await flock(file.fd, waitSeconds);
  if (exitCode === 0) {
    held.add(file);
    return {
      release: async () => {
        held.delete(file);
        await file.close();
      },
    };
  }
  await file.close();
  if (exitCode === LOCKED_EXIT_CODE) return undefined;
  throw new AgentError('storage', `cannot lock ${path}: ${reason ?? `flock exited with ${exitCode}`}`);
};
