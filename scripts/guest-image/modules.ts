import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Kernel, KernelKind } from './kernel.js';
import { run } from './tools.js';

/** What each guest needs. A distribution builds each of these into its kernel or ships it as a module. */
const COMMON = [
  'virtio_pci',
  'virtio_mmio',
  'virtio_blk',
  'virtio_net',
  'virtio_balloon',
  'virtio_mem',
  'virtio_console',
  'button',
  'evdev',
  'ext4',
  'isofs',
];

const WANTED: Record<KernelKind, readonly string[]> = {
  virtual: COMMON,
  generic: [...COMMON, 'ahci', 'sr_mod'],
};

const MODULE_FILE = /\.ko(?:\.(?:gz|xz|zst))?$/;
/** Programs that replace a compressed file, by its ending. */
const DECOMPRESSORS: Record<string, string[]> = {
  gz: ['busybox', 'gunzip'],
  xz: ['busybox', 'unxz'],
  zst: ['zstd', '-d', '-q', '--rm'],
};

/** Returns a module's name as the kernel spells it: file names may have dashes. */
const moduleName = (path: string): string => basename(path).replace(MODULE_FILE, '').replaceAll('-', '_');

/** Reads the names of the modules that must be inserted first, from the module itself. */
const dependencies = async (file: string): Promise<string[]> => {
  const [, names = ''] = /\0depends=([^\0]*)\0/.exec(await readFile(file, 'latin1')) ?? [];
  return names.split(',').filter((name) => name !== '');
};

/**
 * Copies the modules that the guest needs, and writes their names to the file `order`: the guest has no modprobe and
 * inserts them one after the other.
 * @throws {Error} if the kernel neither contains a needed module nor has it built in
 */
export const installModules = async (kernel: Kernel, kind: KernelKind, target: string): Promise<void> => {
  await mkdir(target);
  const builtIn = (await readFile(join(kernel.modules, 'modules.builtin'), 'utf8'))
    .split('\n')
    .map(moduleName);
  const paths = (await readdir(kernel.modules, { recursive: true })).filter((path) => MODULE_FILE.test(path));
  const files = new Map(paths.map((path) => [moduleName(path), path]));
  const order: string[] = [];
  const install = async (name: string): Promise<void> => {
    if (builtIn.includes(name) || order.includes(name)) return;
    const file = files.get(name);
    if (file === undefined) throw new Error(`Linux ${kernel.version} has no module ${name}`);
    const [, compression] = /\.ko\.(.*)$/.exec(file) ?? [];
    const copy = join(target, `${name}.ko`);
    await copyFile(join(kernel.modules, file), compression ? `${copy}.${compression}` : copy);
    const [program, ...args] = DECOMPRESSORS[compression ?? ''] ?? [];
    if (program) await run(program, [...args, `${copy}.${compression}`]);
    for (const dependency of await dependencies(copy)) await install(dependency);
    order.push(name);
  };
  for (const name of WANTED[kind]) await install(name);
  await writeFile(join(target, 'order'), `${order.join('\n')}\n`);
};
