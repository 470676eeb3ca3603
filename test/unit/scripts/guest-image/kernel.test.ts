import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findKernel } from '../../../../scripts/guest-image/kernel.js';
import { installModules } from '../../../../scripts/guest-image/modules.js';
import { tempDir } from '../../../helpers/temp.js';

/** A module as the kernel's build makes it, as far as its dependencies go. */
const module = (...dependencies: string[]): string =>
  `ELF\0license=GPL\0depends=${dependencies.join(',')}\0name=x\0`;

const ALL_WANTED = [
  ...['virtio_pci', 'virtio_mmio', 'virtio_blk', 'virtio_net', 'virtio_balloon', 'virtio_console'],
  'virtio_mem',
  ...['button', 'evdev', 'ext4', 'isofs'],
];

const builtIn = (...modules: string[]): string =>
  ALL_WANTED.filter((name) => !modules.includes(name))
    .map((name) => `kernel/drivers/${name}.ko\n`)
    .join('');

/** Writes files of unpacked packages, and returns their root directory. */
const unpacked = async (t: ExecutionContext, files: Record<string, string>): Promise<string> => {
  const root = await tempDir(t);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
};

const LAYOUTS = {
  'of Debian 12': ['boot/vmlinuz-6.1.0-50-cloud-amd64', 'lib/modules/6.1.0-50-cloud-amd64'],
  'of Debian 13': ['boot/vmlinuz-6.12.1+deb13-cloud-amd64', 'usr/lib/modules/6.12.1+deb13-cloud-amd64'],
  'below the modules, as since Debian forky': [
    'usr/lib/modules/7.2.1+deb14-cloud-amd64/vmlinuz',
    'usr/lib/modules/7.2.1+deb14-cloud-amd64',
  ],
  'of Ubuntu': ['boot/vmlinuz-6.8.0-31-generic', 'lib/modules/6.8.0-31-generic'],
} as const;

for (const [layout, [image, modules]] of Object.entries(LAYOUTS))
  test(`finds a kernel in the layout ${layout}`, async (t) => {
    const root = await unpacked(t, { [image]: 'kernel', [`${modules}/modules.builtin`]: '' });
    t.deepEqual(await findKernel(root), {
      version: modules.slice(modules.lastIndexOf('/') + 1),
      image: join(root, image),
      modules: join(root, modules),
    });
  });

test('says that packages lack a kernel', async (t) => {
  const root = await unpacked(t, { 'lib/modules/6.1.0/modules.builtin': '' });
  await t.throwsAsync(findKernel(root), {
    message: 'the packages of Linux 6.1.0 contain no bootable kernel',
  });
});

const kernelOf = async (t: ExecutionContext, files: Record<string, string>) =>
  findKernel(
    await unpacked(
      t,
      Object.fromEntries([
        ['boot/vmlinuz-1', 'kernel'],
        ...Object.entries(files).map(([path, content]) => [`lib/modules/1/${path}`, content]),
      ]),
    ),
  );

test('installs modules after those that they depend on', async (t) => {
  const kernel = await kernelOf(t, {
    'modules.builtin': builtIn('virtio_net'),
    'kernel/net_failover.ko': module('failover'),
    'kernel/failover.ko': module(),
    'kernel/virtio-net.ko': module('net_failover', 'virtio_pci'),
  });
  const target = join(await tempDir(t), 'modules');
  await installModules(kernel, 'virtual', target);
  t.is(await readFile(join(target, 'order'), 'utf8'), 'failover\nnet_failover\nvirtio_net\n');
  t.deepEqual((await readdir(target)).sort(), ['failover.ko', 'net_failover.ko', 'order', 'virtio_net.ko']);
});

test('a kernel for all hardware brings its drivers of SATA and CD drives', async (t) => {
  const kernel = await kernelOf(t, {
    'modules.builtin': builtIn(),
    'kernel/ahci.ko': module('libahci'),
    'kernel/libahci.ko': module(),
    'kernel/sr_mod.ko': module('cdrom'),
    'kernel/cdrom.ko': module(),
  });
  const target = join(await tempDir(t), 'modules');
  await installModules(kernel, 'generic', target);
  t.is(await readFile(join(target, 'order'), 'utf8'), 'libahci\nahci\ncdrom\nsr_mod\n');
});

test('names a module that is neither there nor built in', async (t) => {
  const kernel = await kernelOf(t, { 'modules.builtin': builtIn('isofs', 'virtio_blk') });
  const target = join(await tempDir(t), 'modules');
  await t.throwsAsync(installModules(kernel, 'virtual', target), {
    message: 'Linux 1 has no module virtio_blk',
  });
});
