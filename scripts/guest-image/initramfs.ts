import { chmod, copyFile, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { execa } from 'execa';
import type { Kernel, KernelKind } from './kernel.js';
import { installModules } from './modules.js';

const GZIP_LEVEL = 1;

/**
 * Makes the guest's root file system, which stays in memory: busybox, kernel modules and the files of `rootfs`.
 * @param directory a directory for the initramfs and temporary files
 * @returns the path of the initramfs
 */
export const makeInitramfs = async (
  kernel: Kernel,
  kind: KernelKind,
  rootfs: string,
  directory: string,
): Promise<string> => {
  const root = join(directory, 'root');
  await cp(rootfs, root, { recursive: true });
  for (const name of ['dev', 'proc', 'sys', 'run', 'data', 'seed']) await mkdir(join(root, name));
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  await chmod(join(root, 'bin/busybox'), 0o755);
  await installModules(kernel, kind, join(root, 'modules'));
  const names = ['.', ...(await readdir(root, { recursive: true })).sort()];
  const { stdout } = await execa('cpio', ['--quiet', '-o', '-H', 'newc', '-R', '0:0'], {
    cwd: root,
    input: names.join('\n'),
    encoding: 'buffer',
  });
  const path = join(directory, 'initrd.gz');
  await writeFile(path, await promisify(gzip)(stdout, { level: GZIP_LEVEL }));
  return path;
};
