import { chmod, copyFile, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { execa } from 'execa';
import type { Kernel } from './kernel.js';
import { run } from './tools.js';

/** Kernel modules in the order of their dependencies: the guest has no modprobe. */
export const MODULES = [
  'virtio_ring',
  'virtio',
  'virtio_pci_modern_dev',
  'virtio_pci_legacy_dev',
  'virtio_pci',
  'virtio_mmio',
  'virtio_blk',
  'failover',
  'net_failover',
  'virtio_net',
  'virtio_balloon',
  'virtio_console',
  'button',
  'evdev',
  'cdrom',
  'isofs',
];

const GZIP_LEVEL = 1;

const installModules = async (kernel: Kernel, target: string): Promise<void> => {
  await mkdir(target);
  const files = await readdir(kernel.modules, { recursive: true });
  for (const module of MODULES) {
    const file = files.find((name) => [`${module}.ko`, `${module}.ko.xz`].includes(basename(name)));
    if (file === undefined) throw new Error(`Linux ${kernel.version} has no module ${module}`);
    await copyFile(join(kernel.modules, file), join(target, basename(file)));
    if (file.endsWith('.xz')) await run('busybox', ['unxz', join(target, basename(file))]);
  }
  await writeFile(join(target, 'order'), `${MODULES.join('\n')}\n`);
};

/**
 * Makes the guest's root file system, which stays in memory: busybox, kernel modules and the files of `rootfs`.
 * @param directory a directory for the initramfs and temporary files
 * @returns the path of the initramfs
 */
export const makeInitramfs = async (kernel: Kernel, rootfs: string, directory: string): Promise<string> => {
  const root = join(directory, 'root');
  await cp(rootfs, root, { recursive: true });
  for (const name of ['dev', 'proc', 'sys', 'run', 'data', 'seed']) await mkdir(join(root, name));
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  await chmod(join(root, 'bin/busybox'), 0o755);
  await installModules(kernel, join(root, 'modules'));
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
