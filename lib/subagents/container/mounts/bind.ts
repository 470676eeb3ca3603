import { realpath } from 'node:fs/promises';
import { isErrno } from '../../../errors.js';
import { MOUNT_PATH } from '../../../model/container/mount-path.js';
import type { BindMount, ContainerFiles } from '../../../model/container/mounts.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { readMounts } from '../../shared/mounts.js';
import { isInside } from '../../shared/paths.js';

/** The part of a bind mount that is on the host. */
export type Bind = Pick<BindMount, 'source' | 'readOnly'>;

const refuse = (source: string, why: string): never => {
  throw new Refusal('invalid', `bind mount of ${source}: ${why}`);
};

const isAtOrBelow = (path: string, directory: string): boolean =>
  path === directory || isInside(path, directory);

/** Resolves a directory that the host allows; one that does not exist allows nothing. */
const resolveAllowed = async (directory: string): Promise<string[]> => {
  try {
    return [await realpath(directory)];
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
};

const resolveSource = async (source: string): Promise<string> => {
  try {
    return await realpath(source);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP'))
      return refuse(source, 'it does not exist on the host: create it first');
    throw error;
  }
};

/** Whether something is mounted below a path. Engines make the upmost file system of a mount read-only, and no other. */
const hasMountsBelow = async (path: string): Promise<boolean> =>
  (await readMounts()).some(({ point }) => isInside(point, path));

/**
 * Checks a bind mount against the directories that the host allows, with all symbolic links resolved.
 * @returns the path to mount: without links, so that none of them can be changed before the engine mounts it
 * @throws {Refusal} `invalid` when the host does not allow it, or it does not exist
 */
const checkBind = async ({ source, readOnly = false }: Bind, allowed: readonly string[]): Promise<string> => {
  if (allowed.length === 0)
    refuse(source, 'this host allows none: use a volume, or start mistify-container with --allow-bind DIR');
  const directories = (await Promise.all(allowed.map(resolveAllowed))).flat();
  const isNamed = allowed.some((directory) => isAtOrBelow(source, directory));
  const outside = (): never =>
    refuse(
      source,
      `it is not below a directory that this host allows (${allowed.join(', ')}): use another path, or start ` +
        'mistify-container with --allow-bind DIR',
    );
  // Before anything is looked up: a path that is not allowed must not tell whether it exists.
  if (!isNamed && !directories.some((directory) => isAtOrBelow(source, directory))) outside();
  const path = await resolveSource(source);
  if (!directories.some((directory) => isAtOrBelow(path, directory))) outside();
  if (!MOUNT_PATH.test(path))
    refuse(
      source,
      'a link leads to a path with a colon, a comma or a quotation mark, which engines misread: rename it',
    );
  if (readOnly && (await hasMountsBelow(path)))
    refuse(source, 'other file systems are mounted below it, which would stay writable: mount those apart');
  return path;
};

/** Checks all bind mounts of a container; returns the paths to mount by their targets. */
export const checkBinds = async (
  { mounts = [] }: ContainerFiles,
  allowed: readonly string[],
): Promise<Map<string, string>> => {
  const paths = new Map<string, string>();
  for (const mount of mounts)
    if (mount.type === 'bind') paths.set(mount.target, await checkBind(mount, allowed));
  return paths;
};

/**
 * Checks the bind mounts of a container that exists, because engines look their paths up again at each start.
 * @throws {Refusal} `conflict` when the host no longer allows one, or something in its path is now a symbolic link
 */
export const recheckBinds = async (binds: readonly Bind[], allowed: readonly string[]): Promise<void> => {
  for (const bind of binds) {
    let path: string;
    try {
      path = await checkBind(bind, allowed);
    } catch (error) {
      throw error instanceof Refusal ? new Refusal('conflict', error.message, { cause: error }) : error;
    }
    if (path !== bind.source)
      throw new Refusal(
        'conflict',
        `bind mount of ${bind.source}: it is now a link to ${path}: remove the link`,
      );
  }
};
