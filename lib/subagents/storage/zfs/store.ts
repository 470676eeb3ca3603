import { join } from 'node:path';
import type { Logger } from '../../../log.js';
import type { HostRegistry } from '../../shared/host/registry.js';
import type { DiskStore } from '../disk-store.js';
import type { StoreSpace } from '../stored.js';
import { zfsCaptures } from './captures.js';
import { zfsClones } from './clone.js';
import { listDatasets, zfs } from './command.js';
import { zfsDisks } from './disks.js';
import { zfsImages } from './images.js';
import { zfsKeptState } from './kept-state.js';
import { listLeftovers } from './leftovers.js';
import { mountAll } from './mounts.js';
import { flashLayout, flashOf, withNvram } from './nvram.js';
import { claimRoot } from './owner.js';
import { chooseKind, openLayout, requireKnownStore } from './prepare.js';
import { scanSnapshot, zfsReadSnapshot } from './read.js';
import { zfsSnapshots } from './snapshots.js';
import { WorkArea } from './work-area.js';

export interface ZfsStoreOptions {
  /** The pool, or a dataset in one, that contains the store. */
  pool: string;
  registry: HostRegistry;
  /** The directory of the volumes' devices. */
  zvolDir?: string | undefined;
  log: Logger;
}

const spaceOf = async (pool: string): Promise<StoreSpace> => {
  const output = await zfs('get', '-H', '-p', '-o', 'value', 'used,available', pool);
  const [usedBytes = 0, freeBytes = 0] = output.trim().split('\n').map(Number);
  return { sizeBytes: usedBytes + freeBytes, freeBytes, usedBytes };
};

/**
 * Opens a store in a ZFS pool: images with one snapshot each, clones of those as disks, and ZFS's own snapshots.
 * @throws when the pool does not exist or is not mounted in a directory
 */
export const zfsStore = async ({
  pool,
  registry,
  zvolDir = '/dev/zvol',
  log,
}: ZfsStoreOptions): Promise<DiskStore> => {
  await requireKnownStore(pool);
  await registry.exclusively(() => claimRoot(pool, registry.own.dir));
  const layout = await openLayout(pool);
  const work = new WorkArea(layout, log);
  await work.clear();
  // A process killed during a rename leaves datasets unmounted.
  for (const { dataset } of [layout.images, layout.guests]) await mountAll(dataset);
  const kind = await chooseKind(layout, work, zvolDir);
  const images = zfsImages(layout, kind, work);
  const disks = zfsDisks(layout, kind, work, images);
  const snapshots = zfsSnapshots(layout, kind);
  const readSnapshot = zfsReadSnapshot(layout, kind, work);
  return {
    workDir: layout.work.mountpoint,
    // No image's dataset has a + in its name.
    uploadDir: join(layout.images.mountpoint, '+uploads'),
    check: async () => {
      if ((await listDatasets(['name'], pool)).length === 0) throw new Error(`the ZFS pool ${pool} is gone`);
    },
    space: () => spaceOf(pool),
    leftovers: () => listLeftovers(layout, kind, work),
    ...images,
    ...disks,
    ...zfsClones(layout, { kind, work, images, flash: flashLayout(layout) }, disks.findDisks),
    ...snapshots,
    ...zfsKeptState(layout),
    backsUpBy: { captures: zfsCaptures(layout, kind, work, snapshots) },
    mapsByReading: true,
    ...withNvram(
      {
        ...snapshots,
        repair: disks.repair,
        readSnapshot,
        mapSnapshot: scanSnapshot(readSnapshot),
      },
      flashOf(layout),
    ),
  };
};
