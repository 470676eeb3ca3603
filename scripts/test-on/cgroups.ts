import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = '/sys/fs/cgroup';
const REMOVE_TRIES = 50;
const REMOVE_PAUSE_MS = 100;

/** A hierarchy of cgroups. Version 2 has one for all controllers; version 1 has several. */
interface Hierarchy {
  /** The directory's name below `/sys/fs/cgroup`; empty where version 2 is alone. */
  name: string;
  /** What `mount` needs to know of it. */
  mount: string;
}

const readTrimmed = async (path: string): Promise<string> => (await readFile(path, 'utf8')).trim();

/** Reads the host's hierarchies from `/proc/self/mounts`. */
export const hierarchies = async (): Promise<Hierarchy[]> => {
  const found: Hierarchy[] = [];
  for (const line of (await readFile('/proc/self/mounts', 'utf8')).split('\n')) {
    const [, path = '', type, options = ''] = line.split(' ');
    if (!path.startsWith(ROOT) || (type !== 'cgroup' && type !== 'cgroup2')) continue;
    const name = path.slice(ROOT.length + 1);
    const controllers = options.split(',').filter((option) => !['rw', 'ro', 'relatime'].includes(option));
    const kept = controllers.filter(
      (option) => !/^(?:no(?:suid|dev|exec|atime)|release_agent=)/.test(option),
    );
    found.push({ name, mount: type === 'cgroup2' ? 'cgroup2' : `cgroup -o ${kept.join(',')}` });
  }
  return found;
};

/** Cgroups of version 1's `cpuset` take no process before they have processors and memory. */
const copyCpuset = async (parent: string, child: string): Promise<void> => {
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    try {
      await writeFile(join(child, file), await readTrimmed(join(parent, file)));
    } catch {
      // Another hierarchy has no such file.
    }
};

/** Where the processes of a system are: version 2 takes none in a cgroup that has others with controllers below it. */
const PROCESSES = 'processes';

/** A system's cgroups, one in each hierarchy. */
export interface Cgroups {
  directories: string[];
  /** The cgroups of its processes. */
  leaves: string[];
}

/** Makes a cgroup in each hierarchy, with one below it for processes. */
export const makeCgroups = async (name: string): Promise<Cgroups> => {
  const cgroups: Cgroups = { directories: [], leaves: [] };
  for (const hierarchy of await hierarchies()) {
    const parent = join(ROOT, hierarchy.name);
    const directory = join(parent, name);
    const leaf = join(directory, PROCESSES);
    await mkdir(leaf, { recursive: true });
    await copyCpuset(parent, directory);
    await copyCpuset(directory, leaf);
    cgroups.directories.push(directory);
    cgroups.leaves.push(leaf);
  }
  return cgroups;
};

/** Moves processes to the leaves, and hands the controllers of version 2 down to the cgroups beside those. */
export const moveToLeaves = async ({ directories, leaves }: Cgroups, pids: number[]): Promise<void> => {
  for (const leaf of leaves) for (const pid of pids) await writeFile(join(leaf, 'cgroup.procs'), `${pid}`);
  for (const directory of directories) {
    const controllers = await readTrimmed(join(directory, 'cgroup.controllers')).catch(() => '');
    for (const controller of controllers.split(' ').filter((name) => name !== ''))
      await writeFile(join(directory, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
  }
};

const removeTree = async (path: string): Promise<void> => {
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await removeTree(join(path, entry.name));
  await rmdir(path);
};

/** Removes the cgroups of that name and those below. Their processes may still be ending. */
export const removeCgroups = async (name: string): Promise<void> => {
  for (const { name: hierarchy } of await hierarchies())
    for (let tries = 0; tries < REMOVE_TRIES; tries++) {
      const failed = await removeTree(join(ROOT, hierarchy, name)).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
      );
      if (!failed) break;
      await delay(REMOVE_PAUSE_MS);
    }
};
