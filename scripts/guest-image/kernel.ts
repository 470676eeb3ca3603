import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../lib/errors.js';
import { run } from './tools.js';

/** The newest of Debian's kernels for virtual machines hangs off this package. */
const KERNEL_PACKAGE = 'linux-image-cloud-amd64';

export interface Kernel {
  version: string;
  /** The bootable kernel. */
  image: string;
  /** The directory that its modules are somewhere under. */
  modules: string;
}

/** Downloads the kernel's package to `directory`, by the package lists that `options` name. */
const download = async (directory: string, options: string[]): Promise<void> => {
  const depends = await run('apt-cache', [...options, 'depends', KERNEL_PACKAGE]);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error(`${KERNEL_PACKAGE} depends on no kernel`);
  await run('sh', ['-c', 'cd "$0" && exec apt-get -q "$@"', directory, ...options, 'download', name]);
};

/** Package lists of our own: anyone may fetch those, and the host's may be absent or out of date. */
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
        `cannot get ${KERNEL_PACKAGE}: the guest image needs Debian's packages, once (${errorMessage(error)})`,
        { cause: error },
      );
    }
  }
};

/** Fetches Debian's kernel for virtual machines and unpacks it under `directory`; nothing is installed. */
export const fetchKernel = async (directory: string): Promise<Kernel> => {
  await downloadKernel(directory);
  const packageFile = (await readdir(directory)).find((name) => name.endsWith('.deb'));
  if (packageFile === undefined) throw new Error(`apt-get downloaded no package of ${KERNEL_PACKAGE}`);
  const root = join(directory, 'kernel');
  await run('dpkg', ['-x', join(directory, packageFile), root]);
  const image = (await readdir(join(root, 'boot'))).find((name) => name.startsWith('vmlinuz-'));
  if (image === undefined) throw new Error(`there is no kernel in ${packageFile}`);
  const version = image.slice('vmlinuz-'.length);
  return { version, image: join(root, 'boot', image), modules: root };
};
