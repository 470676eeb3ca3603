import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { tempDir } from './temp.js';

/**
 * Puts a bash script before a program in the path, until the test ends. Ends with the program itself, so a script that
 * does not exit only watches.
 * @returns removes the script again
 */
export const wrapProgram = async (
  t: ExecutionContext,
  program: string,
  script: string,
): Promise<() => void> => {
  const bin = join(await tempDir(t), 'bin');
  await mkdir(bin);
  // For tools that run as the user nobody.
  await chmod(dirname(bin), 0o755);
  const { stdout: real } = await execa('sh', ['-c', `command -v ${program}`]);
  await writeFile(join(bin, program), `#!/bin/bash\n${script}\nexec ${real} "$@"\n`);
  await chmod(join(bin, program), 0o755);
  const { PATH } = process.env;
  process.env.PATH = `${bin}:${PATH}`;
  const restore = (): void => {
    process.env.PATH = PATH;
  };
  t.teardown(restore);
  return restore;
};
