import { listDatasets } from './command.js';
import type { Layout } from './layout.js';
import { DELETED_PROPERTY } from './work-area.js';

/** A dataset that was cloned from a snapshot. */
interface Clone {
  dataset: string;
  origin: string;
}

/** All clones in the pool, which is where those of its snapshots are, less those that are marked as deleted. */
const listClones = async ({ root }: Layout): Promise<Clone[]> => {
  const [pool = root] = root.split('/');
  const rows = await listDatasets(
    ['name', 'origin', DELETED_PROPERTY],
    '-r',
    '-t',
    'filesystem,volume',
    pool,
  );
  return rows.flatMap(([dataset = '', origin = '-', deleted]) =>
    origin === '-' || deleted === 'true' ? [] : [{ dataset, origin }],
  );
};

/** The datasets that were cloned from one of the snapshots, less those that are on their way out. */
export const clonesOf = async (layout: Layout, snapshots: string[]): Promise<Clone[]> => {
  const wanted = new Set(snapshots);
  const clones = await listClones(layout);
  return clones.filter(
    ({ dataset, origin }) => wanted.has(origin) && !dataset.startsWith(`${layout.work.dataset}/`),
  );
};
