import { listDatasets } from './command.js';
import type { ZfsLayout } from './layout.js';
import { DELETED_PROPERTY } from './work-area.js';

/** A dataset cloned from a snapshot. */
interface Clone {
  dataset: string;
  origin: string;
  /** Whether it is marked as deleted. */
  deleted: boolean;
}

/** Lists all clones in the pool. A snapshot's clones are always in its pool. */
export const listClones = async ({ root }: ZfsLayout): Promise<Clone[]> => {
  const [pool = root] = root.split('/');
  const rows = await listDatasets(
    ['name', 'origin', DELETED_PROPERTY],
    '-r',
    '-t',
    'filesystem,volume',
    pool,
  );
  return rows.flatMap(([dataset = '', origin = '-', deleted]) =>
    origin === '-' ? [] : [{ dataset, origin, deleted: deleted === 'true' }],
  );
};

/** Lists the clones of some snapshots, except those deleted or in the work area. */
export const clonesOf = async (layout: ZfsLayout, snapshots: string[]): Promise<Clone[]> => {
  const wanted = new Set(snapshots);
  const clones = await listClones(layout);
  return clones.filter(
    ({ dataset, origin, deleted }) =>
      wanted.has(origin) && !deleted && !dataset.startsWith(`${layout.work.dataset}/`),
  );
};
