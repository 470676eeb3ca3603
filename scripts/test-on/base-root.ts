import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { errorMessage } from '../../lib/errors.js';
import { IN_NAMESPACES } from './namespaces.js';
import { NotPrepared, type System } from './system.js';

/** Change it when a root is built in another way. */
const RECIPE = 1;
const MAX_AGE_MS = 7 * 24 * 3600 * 1000;
/** The only packages besides Debian's smallest system: without them, apt cannot use a mirror over https. */
const PACKAGES = ['ca-certificates'];

export interface BaseRootOptions {
  system: System;
  /** The directory of this system in the cache. */
  directory: string;
  mirror: string;
  signal: AbortSignal;
  say: (line: string) => void;
}

const isRecent = async (base: string): Promise<boolean> => {
  try {
    const { mtimeMs } = await stat(join(base, 'recipe'));
    const recipe = Number(await readFile(join(base, 'recipe'), 'utf8'));
    return recipe === RECIPE && Date.now() - mtimeMs < MAX_AGE_MS;
  } catch {
    return false;
  }
};

/** Says whether a root runs programs, and all files of its packages are what they were. */
const isWhole = async (root: string): Promise<boolean> => {
  const check = 'test -z "$(dpkg --audit)" && test -z "$(dpkg --verify)"';
  const { exitCode } = await execa('chroot', [root, '/bin/sh', '-c', check], { reject: false });
  return exitCode === 0;
};

/** Builds a root beside the one in the cache, and puts it in place once it is finished. */
const build = async ({ system, directory, mirror, signal }: BaseRootOptions): Promise<void> => {
  const [building, base, old] = ['building', 'base', 'old'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  const root = join(building, 'root');
  const options = ['--variant=minbase', `--include=${PACKAGES.join(',')}`];
  const script = `/usr/share/debootstrap/scripts/${system.script}`;
  const [program, ...args] = [...IN_NAMESPACES, '--mount-proc', 'debootstrap', ...options];
  await execa(program, [...args, system.name, root, mirror, script], { cancelSignal: signal, all: true });
  if (!(await isWhole(root))) throw new Error('the new root lacks files');
  await execa('chroot', [root, 'apt-get', 'clean']);
  await writeFile(join(building, 'recipe'), `${RECIPE}\n`);
  await rename(base, old).catch(() => undefined);
  await rename(building, base);
  await rm(old, { recursive: true, force: true });
};

/**
 * Returns a minimal root of a system: nothing but what Debian calls essential, apt and its certificates. It is built
 * when the cache has none, or one that is a week old or broken. Never write to it.
 * @throws {NotPrepared} if it cannot be built, and the cache has no old one
 */
export const baseRoot = async (options: BaseRootOptions): Promise<string> => {
  const { directory, system, signal, say } = options;
  const root = join(directory, 'base/root');
  const whole = await isWhole(root);
  if (whole && (await isRecent(join(directory, 'base')))) return root;
  say(`building a minimal root of ${system.name} …`);
  try {
    await build(options);
  } catch (error) {
    signal.throwIfAborted();
    const message = errorMessage(error).split('\n').slice(-20).join('\n');
    if (!whole) throw new NotPrepared(`cannot build a root of ${system.name}: ${message}`, { cause: error });
    say(`cannot build a new root of ${system.name}, using the old one: ${message}`);
  } finally {
    await rm(join(directory, 'building'), { recursive: true, force: true });
  }
  return root;
};
