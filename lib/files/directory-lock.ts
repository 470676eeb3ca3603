import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../errors.js';
import { endingOf } from '../process/child-exit.js';

/** What flock(1) ends with when somebody else has the lock. */
const LOCKED_EXIT_CODE = 75;
/** A predecessor that was killed a moment ago may still be letting go. */
const WAIT_SECONDS = 3;

/** A lock that the kernel lets go of when this process ends, however it ends. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Keeps other agents out of a directory of state: flock(1) holds the lock for as long as our end of its standard
 * input is open.
 * @throws {AgentError} `conflict` when another agent is using it
 */
export const lockDirectory = async (directory: string): Promise<DirectoryLock> => {
  const file = join(directory, 'lock');
  // Whoever could read it could hold the lock.
  await writeFile(file, '', { flag: 'a', mode: 0o600 });
  await chmod(file, 0o600);
  const options = [
    '--exclusive',
    '--timeout',
    String(WAIT_SECONDS),
    '--conflict-exit-code',
    String(LOCKED_EXIT_CODE),
  ];
  // Once it has the lock, cat gives back what it is sent, until we are gone.
  const holder = spawn('flock', [...options, '--no-fork', file, 'cat'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = endingOf(holder);
  holder.stdin.on('error', () => {});
  holder.stdin.write('\n');
  const ending = await Promise.race([once(holder.stdout, 'data'), ended]);
  if (!Array.isArray(ending)) {
    const { exitCode, reason } = ending;
    if (exitCode === LOCKED_EXIT_CODE) {
      throw new AgentError(
        'conflict',
        `another agent is using ${directory}: stop it, or choose another dbpath`,
      );
    }
    throw new AgentError(
      'storage',
      `${file}: cannot be locked (${reason ?? `flock exited with ${exitCode}`})`,
    );
  }
  return {
    release: async () => {
      holder.stdin.end();
      await ended;
    },
  };
};
