import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../lib/errors.js';
import { run } from './tools.js';

/** A metapackage that depends on Debian's newest kernel for virtual machines. */
const KERNEL_PACKAGE = 'linux-image-cloud-amd64';

export interface Kernel {
  version: string;
  /** The bootable kernel. */
  image: string;
  /** A directory with the modules somewhere below it. */
  modules: string;
}

/** Downloads the kernel's package to `directory`. `options` are options of apt, such as the package lists to use. */
const download = async (directory: string, options: string[]): Promise<void> => {
  const depends = await run('apt-cache', [...options, 'depends', KERNEL_PACKAGE]);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error(`the package ${KERNEL_PACKAGE} depends on no kernel`);
  await run('sh', ['-c', 'cd "$0" && exec apt-get -q "$@"', directory, ...options, 'download', name]);
};

/**
 * Fetches package lists into `directory`, which any user may do. The host's lists can be absent or out of date.
 * @returns the options with which apt uses them
 */
const fetchLists = async (directory: string): Promise<string[]> => {
  await mkdir(join(directory, 'lists/partial'), { recursive: true });
  await mkdir(join(directory, 'cache/archives/partial'), { recursive: true });
  const options = ['-o', `Dir::State::Lists=${directory}/lists`, '-o', `Dir::Cache=${directory}/cache`];
  await run('apt-get', [...options, '-q', 'update']);
  return options;
};

const downloadKernel = async (directory: string): Promise<void> => {
  try {
    await download(directory, []);
  } catch {
    try {
      await download(directory, await fetchLists(directory));
    } catch (error) {
      throw new Error(
        `cannot download ${KERNEL_PACKAGE}, which the first build of the guest image needs: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }
};

/** Downloads Debian's kernel for virtual machines and unpacks it below `directory`, without installing it. */
export const fetchKernel = async (directory: string): Promise<Kernel> => {
  await downloadKernel(directory);
  const packageFile = (await readdir(directory)).find((name) => name.endsWith('.deb'));
  if (packageFile === undefined) throw new Error(`apt-get downloaded no package for ${KERNEL_PACKAGE}`);
  const root = join(directory, 'kernel');
  await run('dpkg', ['-x', join(directory, packageFile), root]);
  const image = (await readdir(join(root, 'boot'))).find((name) => name.startsWith('vmlinuz-'));
  if (image === undefined) throw new Error(`the package ${packageFile} contains no kernel`);
  const version = image.slice('vmlinuz-'.length);
  return { version, image: join(root, 'boot', image), modules: root };
};
