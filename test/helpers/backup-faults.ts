import { readdirSync } from 'node:fs';
import { chmod, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { CallError, startTestBackup, type TestBackup, TestGuest } from './backup.js';
import { Random } from './random.js';

const MB = 2 ** 20;

/** Starts a backup sub-agent, and makes the first backup of a guest. */
export const backedUp = async (
  t: ExecutionContext,
  options: Parameters<typeof startTestBackup>[1] = {},
  parent?: string,
): Promise<{ backup: TestBackup; guest: TestGuest }> => {
  const backup = await startTestBackup(t, options, parent);
  const guest = await TestGuest.create(t, 32 * MB);
  await guest.disk.scatter(new Random(7), 100);
  await guest.backUp(backup);
  return { backup, guest };
};

/** Returns the error of a call that must fail. */
export const failure = async (t: ExecutionContext, work: Promise<unknown>): Promise<CallError> => {
  const error = await t.throwsAsync(work, { instanceOf: CallError });
  if (!error) throw new Error('it did not fail');
  return error;
};

/** Returns the path of the largest pack in the repository of a backup sub-agent: it has data of disks. */
export const largestPack = async (dir: string): Promise<string> => {
  const entries = readdirSync(join(dir, 'repository', 'data'), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(paths.map(async (path) => ({ path, size: (await stat(path)).size })));
  const [largest] = sizes.sort((a, b) => b.size - a.size);
  if (!largest) throw new Error('no packs');
  return largest.path;
};

/** Changes a byte of a file. */
export const flip = async (path: string): Promise<void> => {
  await chmod(path, 0o600);
  const file = await open(path, 'r+');
  const at = Math.floor((await file.stat()).size / 3);
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 0xff]), 0, 1, at);
  await file.close();
};
