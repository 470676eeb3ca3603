import { mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorMessage } from '../../lib/errors.js';
import { run } from './tools.js';

export const KERNEL_KINDS = ['virtual', 'generic'] as const;
/** For virtual machines only, or for all hardware: Debian's kernel for virtual machines has no driver of CD drives. */
export type KernelKind = (typeof KERNEL_KINDS)[number];

/** Metapackages that depend on the newest kernel of a kind: Debian's, then Ubuntu's. */
const METAPACKAGES: Record<KernelKind, readonly string[]> = {
  virtual: ['linux-image-cloud-amd64', 'linux-image-virtual', 'linux-image-generic'],
  generic: ['linux-image-amd64', 'linux-image-generic'],
};

/**
 * One version's package of kernel, modules or module lists. Debian 12 and 13 have one package with all of them, Ubuntu
 * two, and newer Debians four.
 */
const KERNEL_PACKAGE = /^linux-[a-z]+(?:-[a-z]+)*-\d\S*$/;

const ONLY_DEPENDENCIES = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
  (kind) => `--no-${kind}`,
);

export interface Kernel {
  version: string;
  /** The bootable kernel. */
  image: string;
  /** The directory of its modules. */
  modules: string;
}

/** Lists the packages of the newest kernel. `options` are options of apt, such as the package lists to use. */
const kernelPackages = async (kind: KernelKind, options: string[]): Promise<string[]> => {
  const metapackages = METAPACKAGES[kind];
  for (const name of metapackages) {
    const arguments_ = [...options, 'depends', '--recurse', ...ONLY_DEPENDENCIES, name];
    const depends = await run('apt-cache', arguments_).catch(() => '');
    const packages = depends.split('\n').filter((line) => KERNEL_PACKAGE.test(line));
    if (packages.length > 0) return packages;
  }
  throw new Error(
    `apt knows none of the packages ${metapackages.join(', ')}, or none that depends on a kernel: apt-get update may mend that`,
  );
};

/** Downloads the kernel's packages to `directory`. `options` are options of apt. */
const download = async (kind: KernelKind, directory: string, options: string[]): Promise<void> => {
  const packages = await kernelPackages(kind, options);
  await run('sh', ['-c', 'cd "$0" && exec apt-get -q "$@"', directory, ...options, 'download', ...packages]);
};

/**
 * Fetches package lists into `directory`, which any user may do. The host's lists can be absent or out of date.
 * @returns the options with which apt uses them
 */
const fetchLists = async (directory: string): Promise<string[]> => {
  await mkdir(join(directory, 'lists/partial'), { recursive: true });
  await mkdir(join(directory, 'cache/archives/partial'), { recursive: true });
  const options = ['-o', `Dir::State::Lists=${directory}/lists`, '-o', `Dir::Cache=${directory}/cache`];
  await run('apt-get', [...options, '-q', '-o', 'APT::Update::Error-Mode=any', 'update']);
  return options;
};

const downloadKernel = async (kind: KernelKind, directory: string): Promise<void> => {
  try {
    await download(kind, directory, []);
  } catch {
    try {
      await download(kind, directory, await fetchLists(directory));
    } catch (error) {
      throw new Error(
        `cannot download a Linux kernel, which the first build of the guest image needs: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }
};

/** Finds kernel and modules in unpacked packages, wherever a distribution puts them. */
export const findKernel = async (root: string): Promise<Kernel> => {
  const files = (await readdir(root, { recursive: true })).sort();
  const builtIn = files.find((path) => basename(path) === 'modules.builtin');
  if (builtIn === undefined)
    throw new Error('the packages of the kernel contain no list of built-in modules');
  const modules = dirname(builtIn);
  const version = basename(modules);
  const image = files.find((path) => [`boot/vmlinuz-${version}`, join(modules, 'vmlinuz')].includes(path));
  if (image === undefined) throw new Error(`the packages of Linux ${version} contain no bootable kernel`);
  return { version, image: join(root, image), modules: join(root, modules) };
};

/** Downloads the distribution's kernel of a kind and unpacks it below `directory`, without installing it. */
export const fetchKernel = async (kind: KernelKind, directory: string): Promise<Kernel> => {
  await downloadKernel(kind, directory);
  const root = join(directory, 'kernel');
  for (const name of await readdir(directory))
    if (name.endsWith('.deb')) await run('dpkg', ['-x', join(directory, name), root]);
  return findKernel(root);
};
