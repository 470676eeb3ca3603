import { join } from 'node:path';
import { Tree } from './chunks/tree.js';
import type { BackupDeps } from './deps.js';
import { bootId, type GuestState } from './guest-state.js';
import { DAMAGE_WHY } from './known-damage.js';
import { rebuildTree } from './rebuild.js';
import type { Base } from './whole.js';

/** The directory of all trees, in which restic runs. */
export const treesDir = (dir: string): string => join(dir, 'trees');

export interface BaseTree {
  tree: Tree;
  base: Base;
  /** The id of the snapshot that the tree is as. */
  parent: string | undefined;
}

/** Prepares the tree of a guest as its latest backup has left it; empty when there is none to build upon. */
export const openBaseTree = async (
  { dir, repository, catalog, damage }: BackupDeps,
  guest: string,
  { last, tree, fresh }: GuestState,
  signal: AbortSignal,
): Promise<BaseTree> => {
  const path = join(treesDir(dir), guest);
  const { gid } = repository.settings.user;
  const empty = async (why: string): Promise<BaseTree> => ({
    tree: await Tree.create(path, gid),
    base: { why },
    parent: undefined,
  });
  if (await damage.isKnown()) return empty(DAMAGE_WHY);
  if (fresh) return empty('the last backup was not stored as it should have been');
  if (last && tree?.boot === (await bootId()))
    return { tree: await Tree.open(path, tree.stamp), base: { last }, parent: last.snapshot };
  const newest = await catalog.newest(guest, signal);
  if (!newest) return empty('it is the first backup of this guest');
  const { backup, snapshot } = newest;
  const rebuilt = await rebuildTree(repository, { snapshot, guest, dir: path }, signal);
  if (!rebuilt) return empty('the last backup cannot be built upon');
  return {
    tree: rebuilt,
    base: { last: { backup: backup.id, disks: backup.disks } },
    parent: snapshot,
  };
};
