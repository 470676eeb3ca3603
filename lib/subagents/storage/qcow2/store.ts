import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { DiskStore } from '../disk-store.js';
import type { StoreSpace } from '../stored.js';
import { qcow2Disks } from './disks.js';
import { qcow2Images } from './images.js';
import { layoutOf } from './layout.js';
import { listLeftovers } from './leftovers.js';
import { qcow2Snapshots } from './snapshots.js';

const spaceOf = async (dir: string): Promise<StoreSpace> => {
  const { bsize, blocks, bfree, bavail } = await statfs(dir);
  return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize, usedBytes: (blocks - bfree) * bsize };
};

/** Opens a store of qcow2 files: images, overlays on them as disks, and internal snapshots. */
export const qcow2Store = async (dir: string, log: Logger): Promise<DiskStore> => {
  const layout = layoutOf(dir);
  await rm(layout.work, { recursive: true, force: true }).catch((error) =>
    log.warn(`unfinished files cannot be removed, remove them by hand: ${errorMessage(error)}`),
  );
  for (const part of Object.values(layout)) await mkdir(part, { recursive: true, mode: 0o700 });
  const images = qcow2Images(layout, log);
  await images.prune();
  return {
    workDir: layout.work,
    uploadDir: join(dir, 'uploads'),
    check: async () => undefined,
    space: () => spaceOf(dir),
    leftovers: () => listLeftovers(layout),
    ...images,
    ...qcow2Disks(layout, images),
    ...qcow2Snapshots(layout, images.prune),
  };
};
