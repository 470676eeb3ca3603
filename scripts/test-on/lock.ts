import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Locks a file until this process ends, however it ends: the lock belongs to a child that ends with it.
 * @returns a function that releases the lock, or nothing if another process holds it
 */
export const tryLock = async (path: string): Promise<(() => void) | undefined> => {
  const child = spawn('flock', ['--nonblock', path, 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => undefined);
  child.stdin.write('locked\n');
  const locked = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'exit').then(() => false),
  ]);
  return locked ? () => child.stdin.end() : undefined;
};
