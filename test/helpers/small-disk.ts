import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { tempDir } from './temp.js';

/** Mounts a device of a few MB, a tmpfs, on a directory until the test ends. */
export const mountSmallOn = async (t: ExecutionContext, dir: string, sizeMb: number): Promise<void> => {
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', dir]);
  t.teardown(async () => {
    await execa('umount', ['-l', dir]);
  });
};

/** As `mountSmallOn`. Returns the directory. */
export const mountSmall = async (t: ExecutionContext, sizeMb: number): Promise<string> => {
  const dir = join(await tempDir(t), 'small');
  await mkdir(dir);
  await mountSmallOn(t, dir, sizeMb);
  return dir;
};

/**
 * Fills the device of `dir`.
 * @returns the file that fills it
 */
export const fillUp = async (dir: string): Promise<string> => {
  const path = join(dir, 'ballast');
  for (const size of ['bs=256k', 'bs=4k'])
    await execa('dd', ['if=/dev/zero', `of=${path}`, size, 'oflag=append', 'conv=notrunc,fsync'], {
      reject: false,
    });
  return path;
};
