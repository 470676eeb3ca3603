import type { Logger } from '../../../log.js';
import type { DiskStore } from '../disk-store.js';
import { listDatasets } from './command.js';
import { zfsDisks } from './disks.js';
import { zfsImages } from './images.js';
import { mountAll } from './mounts.js';
import { chooseKind, openLayout } from './prepare.js';
import { zfsReadSnapshot } from './read.js';
import { zfsSnapshots } from './snapshots.js';
import { WorkArea } from './work-area.js';

export interface ZfsStoreOptions {
  /** The pool, or a dataset of it, that everything is kept in. */
  pool: string;
  /** Where the kernel shows volumes as devices. */
  zvolDir?: string | undefined;
  log: Logger;
}

/**
 * A store in a ZFS pool: images with a snapshot each, clones of those for the guests' disks, ZFS's snapshots.
 * @throws when there is no such pool, or it is not mounted in a directory
 */
export const zfsStore = async ({ pool, zvolDir = '/dev/zvol', log }: ZfsStoreOptions): Promise<DiskStore> => {
  const layout = await openLayout(pool);
  const work = new WorkArea(layout, log);
  await work.clear();
  // What was renamed when the last process was killed may not be mounted.
  for (const { dataset } of [layout.images, layout.guests]) await mountAll(dataset);
  const kind = await chooseKind(layout, work, zvolDir);
  const images = zfsImages(layout, kind, work);
  return {
    workDir: layout.work.mountpoint,
    check: async () => {
      if ((await listDatasets(['name'], pool)).length === 0) throw new Error(`the ZFS pool ${pool} is gone`);
    },
    ...images,
    ...zfsDisks(layout, kind, work, images.findImage),
    ...zfsSnapshots(layout, kind),
    readSnapshot: zfsReadSnapshot(layout, kind, work),
  };
};
