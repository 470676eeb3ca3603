import { errorMessage } from '../../../errors.js';
import { PartlyDoneError } from '../errors.js';
import { memberName } from '../nvram.js';
import { QemuImgError } from '../qemu-img.js';
import type { DiskRollback, StoredDisk } from '../stored.js';
import { TornError } from '../torn-error.js';
import { removeAllBitmaps } from './bitmaps.js';
import type { Qcow2Layout } from './layout.js';
import { dropUndo, findEntry, readTable, runOnDisk, UNDO } from './table.js';

/** Takes a snapshot of each disk's current content, so that the rollback can be undone. */
const takeUndo = async (layout: Qcow2Layout, disks: StoredDisk[]): Promise<void> => {
  // A rollback that was killed may have left some.
  await dropUndo(layout, disks);
  for (const disk of disks) await runOnDisk(layout, disk, '-c', UNDO);
};

/** Whether a failed rollback has certainly left its disk unchanged. */
const isUnchanged = (error: unknown): boolean => error instanceof QemuImgError && error.inUse;

/**
 * Restores the content that the disks had before the rollback.
 * @param disks the disks that are rolled back, and the one that failed with `cause`
 * @throws {TornError} when one of them is, or may be, still rolled back
 */
const undo = async (
  layout: Qcow2Layout,
  all: StoredDisk[],
  disks: StoredDisk[],
  cause: unknown,
): Promise<void> => {
  const stuck: StoredDisk[] = [];
  for (const disk of disks) await runOnDisk(layout, disk, '-a', UNDO).catch(() => stuck.push(disk));
  const failed = disks.at(-1);
  const torn = stuck.filter((disk) => disk !== failed || !isUnchanged(cause));
  if (torn.length === 0) return;
  const left = all.filter((disk) => disk === failed || !torn.includes(disk)).map(({ index }) => index);
  throw new TornError(errorMessage(cause), left, { cause });
};

const destroyNewer = async (layout: Qcow2Layout, steps: DiskRollback[], name: string): Promise<void> => {
  const failures: string[] = [];
  for (const { disk, newer } of steps)
    for (const each of [...newer].reverse()) {
      await runOnDisk(layout, disk, '-d', each).catch((error) =>
        failures.push(`${memberName(disk.index)} keeps ${each}: ${errorMessage(error)}`),
      );
    }
  if (failures.length > 0)
    throw new PartlyDoneError(
      `rolled back to ${name}, but not all newer snapshots could be deleted: delete them: ${failures.join('; ')}`,
    );
};

/** Rolls all disks back or none, and destroys the newer snapshots once all are rolled back. */
export const rollbackDisks = async (
  layout: Qcow2Layout,
  steps: DiskRollback[],
  name: string,
): Promise<void> => {
  const disks = steps.map(({ disk }) => disk);
  // By id, because qemu-img takes a name such as `2` for the id of another snapshot.
  const ids = await Promise.all(
    disks.map(async (disk) => findEntry(await readTable(layout, disk), disk, name).id),
  );
  const changed: StoredDisk[] = [];
  try {
    for (const disk of disks) await removeAllBitmaps(layout, disk);
    if (disks.length > 1) await takeUndo(layout, disks);
    for (const [index, disk] of disks.entries()) {
      changed.push(disk);
      await runOnDisk(layout, disk, '-a', ids[index] ?? '');
    }
  } catch (error) {
    if (disks.length > 1) await undo(layout, disks, changed, error);
    throw error;
  } finally {
    if (disks.length > 1) await dropUndo(layout, disks);
  }
  await destroyNewer(layout, steps, name);
};
