import { errorMessage } from '../../../errors.js';
import { PartlyDoneError } from '../errors.js';
import type { DiskRollback, StoredDisk } from '../stored.js';
import { TornError } from '../torn-error.js';
import { zfsWhenFree } from './command.js';
import { destroySnapshot } from './destroy.js';
import { datasetOf, snapshotOf, type ZfsLayout } from './layout.js';

/** The error of a rollback that has changed no disk. */
const nothingRolledBack = (destroyed: string[], cause: unknown): unknown =>
  destroyed.length === 0
    ? cause
    : new PartlyDoneError(
        `no disk is rolled back, but the newer snapshots ${destroyed.join(', ')} are destroyed: ${errorMessage(cause)}`,
        { cause },
      );

/**
 * Destroys the newer snapshots, the newest first. They go before any disk changes, because they can be held.
 * @returns their names
 */
const destroyNewer = async (layout: ZfsLayout, steps: DiskRollback[]): Promise<string[]> => {
  const destroyed: string[] = [];
  for (const name of new Set(steps.flatMap(({ newer }) => [...newer].reverse()))) {
    const disks = steps.filter(({ newer }) => newer.includes(name)).map(({ disk }) => disk);
    await destroySnapshot(layout, disks, name).catch((error: unknown) => {
      throw nothingRolledBack(destroyed, error);
    });
    destroyed.push(name);
  }
  return destroyed;
};

/** Rolls back what it can. */
const tryEach = async (
  layout: ZfsLayout,
  disks: StoredDisk[],
  name: string,
): Promise<Map<StoredDisk, unknown>> => {
  const failed = new Map<StoredDisk, unknown>();
  for (const disk of disks)
    await zfsWhenFree('rollback', snapshotOf(datasetOf(layout, disk), name)).catch((error: unknown) =>
      failed.set(disk, error),
    );
  return failed;
};

/**
 * Destroys the newer snapshots of all disks and rolls the disks back. A rollback cannot be undone, so one that fails is
 * tried again once the other disks are rolled back.
 */
export const rollbackDisks = async (
  layout: ZfsLayout,
  steps: DiskRollback[],
  name: string,
): Promise<void> => {
  const disks = steps.map(({ disk }) => disk);
  const destroyed = await destroyNewer(layout, steps);
  const failed = await tryEach(layout, disks, name);
  const left = await tryEach(layout, [...failed.keys()], name);
  const [error] = left.values();
  if (left.size === 0) return;
  if (left.size === disks.length) throw nothingRolledBack(destroyed, error);
  const numbers = [...left.keys()].map(({ index }) => index);
  throw new TornError(errorMessage(error), numbers, { cause: error });
};
