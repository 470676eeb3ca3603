import { listDatasets, zfs } from './command.js';

/** Returns the tags of a snapshot's holds; none where they cannot be read, since zfs-fuse lacks a part of `zfs holds`. */
const tagsOf = async (snapshot: string): Promise<string[]> => {
  try {
    const lines = (await zfs('holds', '-H', snapshot)).split('\n');
    return lines.map((line) => line.split('\t')[1] ?? '').filter((tag) => tag !== '');
  } catch {
    return [];
  }
};

const describe = async (snapshot: string): Promise<string> => {
  const tags = await tagsOf(snapshot);
  if (tags.length === 0)
    return `${snapshot} is held (zfs hold): release it first: zfs release TAG ${snapshot}`;
  const commands = tags.map((tag) => `zfs release ${tag} ${snapshot}`);
  return `${snapshot} is held by ${tags.join(' and ')} (zfs hold): release it first: ${commands.join('; ')}`;
};

const listHeld = async (...args: string[]): Promise<string[]> => {
  const rows = await listDatasets(['name', 'userrefs'], '-t', 'snapshot', '-r', ...args);
  return rows.filter(([, references]) => Number(references) > 0).map(([name = '']) => name);
};

/** Whether a snapshot of a dataset or of its children is held. */
export const hasHolds = async (dataset: string): Promise<boolean> => (await listHeld(dataset)).length > 0;

/**
 * Lists the snapshots of datasets that `zfs hold` keeps from being destroyed, in words.
 * @param args options and datasets of `zfs list`
 * @param wanted chooses among the snapshots, by their full names
 */
export const describeHolds = async (
  args: string[],
  wanted: (snapshot: string) => boolean,
): Promise<string[]> => Promise.all((await listHeld(...args)).filter(wanted).map(describe));
