import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Argument, Command } from 'commander';
import { errorMessage, isErrno } from '../lib/errors.js';
import { packageRoot } from '../lib/files/package-root.js';
import { makeDisk } from './guest-image/disk.js';
import { makeInitramfs } from './guest-image/initramfs.js';
import { fetchKernel, KERNEL_KINDS, type KernelKind } from './guest-image/kernel.js';

const RECIPE = join(packageRoot, 'scripts/guest-image');

/** The default directory of built images. */
export const cacheDirectory = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mistify');

/** Hashes the programs that build the image and the files that go into it. */
const recipeHash = async (): Promise<string> => {
  const hash = createHash('sha256');
  for (const name of (await readdir(RECIPE, { recursive: true })).sort()) {
    const path = join(RECIPE, name);
    if ((await stat(path)).isFile()) hash.update(`${name}\0`).update(await readFile(path));
  }
  return hash.digest('hex').slice(0, 12);
};

/** Puts a finished image in place. Keeps the image of a process that was quicker: guests may already run on it. */
const publish = async (built: string, image: string): Promise<void> => {
  await mkdir(dirname(image), { recursive: true });
  try {
    await link(built, image);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
};

/**
 * Builds a disk image with a tiny bootable Linux, for the demo and the tests. The first build needs a network, Debian's
 * packages and some seconds; later calls return the same image.
 *
 * The guest needs 96 MB of memory. On its serial console it prints `mistify-guest: boot N`, counted on its disk,
 * `mistify-guest: up` once it reacts to the power button, and `mistify-guest: alive UPTIME` every second.
 * @param kind `generic` for a guest that uses its CD drives, whose kernel is a larger download
 * @returns the path of a qcow2 image, which is shared: use it as a backing file and never write to it
 */
export const buildGuestImage = async (kind: KernelKind = 'virtual'): Promise<string> => {
  const directory = cacheDirectory();
  const image = join(directory, `guest-image-${await recipeHash()}`, `${kind}.qcow2`);
  if (existsSync(image)) return image;
  await mkdir(directory, { recursive: true });
  const work = await mkdtemp(join(directory, 'building-'));
  try {
    const kernel = await fetchKernel(kind, work);
    const initramfs = await makeInitramfs(kernel, kind, join(RECIPE, 'rootfs'), work);
    await publish(await makeDisk(kernel.image, initramfs, work), image);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return image;
};

const main = async (kind: KernelKind): Promise<void> => {
  try {
    console.log(await buildGuestImage(kind));
  } catch (error) {
    console.error(errorMessage(error));
    process.exitCode = 1;
  }
};

const parse = (): Promise<Command> =>
  new Command('guest-image')
    .description('Builds a tiny Linux as a disk image, and prints its path')
    .addArgument(
      new Argument('[kernel]', 'for virtual machines alone, or for all hardware, CD drives included')
        .choices(KERNEL_KINDS)
        .default('virtual'),
    )
    .action(main)
    .parseAsync();

if (process.argv[1] === import.meta.filename) await parse();
