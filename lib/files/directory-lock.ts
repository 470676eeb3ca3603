import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../errors.js';
import { exitOf } from '../process/child-exit.js';
import { OWNER_ONLY } from './atomic-files.js';

/** The exit code of flock(1) when another process holds the lock. */
const LOCKED_EXIT_CODE = 75;
/** A predecessor that was just killed may not have released the lock yet. */
const WAIT_SECONDS = 3;

/** A lock that the kernel releases when this process exits, however it exits. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Locks a state directory against other agents. flock(1) holds the lock as long as our end of its standard input is
 * open.
 * @throws {AgentError} `conflict` when another agent uses the directory
 */
export const lockDirectory = async (directory: string): Promise<DirectoryLock> => {
  const file = join(directory, 'lock');
  // A process that can read the file can lock it.
  await writeFile(file, '', { flag: 'a', mode: OWNER_ONLY });
  await chmod(file, OWNER_ONLY);
  const options = [
    '--exclusive',
    '--timeout',
    String(WAIT_SECONDS),
    '--conflict-exit-code',
    String(LOCKED_EXIT_CODE),
  ];
  // With the lock held, cat echoes our line, then waits until we exit.
  const holder = spawn('flock', [...options, '--no-fork', file, 'cat'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = exitOf(holder);
  holder.stdin.on('error', () => {});
  holder.stdin.write('\n');
  const first = await Promise.race([once(holder.stdout, 'data'), ended]);
  if (!Array.isArray(first)) {
    const { exitCode, reason } = first;
    if (exitCode === LOCKED_EXIT_CODE) {
      throw new AgentError(
        'conflict',
        `another agent is using ${directory}: stop it, or choose another dbpath`,
      );
    }
    throw new AgentError('storage', `cannot lock ${file}: ${reason ?? `flock exited with ${exitCode}`}`);
  }
  return {
    release: async () => {
      holder.stdin.end();
      await ended;
    },
  };
};
