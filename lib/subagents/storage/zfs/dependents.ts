import { listDatasets } from './command.js';
import type { ZfsLayout } from './layout.js';
import { DELETED_PROPERTY } from './work-area.js';

/** A dataset cloned from a snapshot. */
interface Clone {
  dataset: string;
  origin: string;
}

/** Lists all clones in the pool, except those marked as deleted. A snapshot's clones are always in its pool. */
const listClones = async ({ root }: ZfsLayout): Promise<Clone[]> => {
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

/** Lists the clones of some snapshots, except those deleted or in the work area. */
export const clonesOf = async (layout: ZfsLayout, snapshots: string[]): Promise<Clone[]> => {
  const wanted = new Set(snapshots);
  const clones = await listClones(layout);
  return clones.filter(
    ({ dataset, origin }) => wanted.has(origin) && !dataset.startsWith(`${layout.work.dataset}/`),
  );
};
