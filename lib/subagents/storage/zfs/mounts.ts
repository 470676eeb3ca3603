import { listDatasets, zfsWhenFree } from './command.js';

/** The file systems from a dataset downwards, parents first. */
const listMounts = async (dataset: string): Promise<{ name: string; mounted: boolean }[]> => {
  const rows = await listDatasets(['name', 'mounted'], '-r', '-t', 'filesystem', dataset);
  return rows.map(([name = '', mounted]) => ({ name, mounted: mounted === 'yes' }));
};

/** Mounts a dataset and what is below it, as far as it is not. */
export const mountAll = async (dataset: string): Promise<void> => {
  for (const { name, mounted } of await listMounts(dataset)) if (!mounted) await zfsWhenFree('mount', name);
};

/**
 * Renames a dataset with all that is below it. It is unmounted first: `zfs rename` would do that too, but mount it
 * again when zfs-fuse says that it is busy, and so never come to an end.
 */
export const moveDataset = async (dataset: string, target: string): Promise<void> => {
  for (const { name, mounted } of (await listMounts(dataset)).reverse())
    if (mounted) await zfsWhenFree('unmount', name);
  await zfsWhenFree('rename', dataset, target);
  await mountAll(target);
};
