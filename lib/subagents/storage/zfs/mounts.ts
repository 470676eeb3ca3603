import { listDatasets, zfsWhenFree } from './command.js';

/** Lists a dataset and its children, parents first. */
const listMounts = async (dataset: string): Promise<{ name: string; mounted: boolean }[]> => {
  const rows = await listDatasets(['name', 'mounted'], '-r', '-t', 'filesystem', dataset);
  return rows.map(([name = '', mounted]) => ({ name, mounted: mounted === 'yes' }));
};

/** Mounts a dataset and its children, skipping those already mounted. */
export const mountAll = async (dataset: string): Promise<void> => {
  for (const { name, mounted } of await listMounts(dataset)) if (!mounted) await zfsWhenFree('mount', name);
};

/**
 * Renames a dataset with its children. Unmounts them first, because `zfs rename` of zfs-fuse mounts them again when it
 * finds one busy, so that a retry fails for the same reason.
 */
export const moveDataset = async (dataset: string, target: string): Promise<void> => {
  for (const { name, mounted } of (await listMounts(dataset)).reverse())
    if (mounted) await zfsWhenFree('unmount', name);
  await zfsWhenFree('rename', dataset, target);
  await mountAll(target);
};
