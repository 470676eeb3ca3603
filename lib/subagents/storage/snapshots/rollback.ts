import { Refusal } from '../../../rpc/protocol/refusal.js';
import { notFound } from '../../shared/errors.js';
import { clearHalted, sharedGuestPaths } from '../../shared/guest-run-dir.js';
import type { StoredDisk } from '../disk-store.js';
import type { SnapshotDeps } from './deps.js';
import { intentOf } from './journal.js';
import { newerThan } from './lookup.js';
import { journaled } from './recover.js';
import { diskSnapshotId, type Selection } from './select.js';

/** One disk's part of a rollback. */
interface DiskRollback {
  disk: StoredDisk;
  /** The snapshots to destroy; `undefined` when the disk lacks the target snapshot. */
  newer: string[] | undefined;
}

const checkSteps = ({ id, name }: Selection, steps: DiskRollback[], destroyMoreRecent: boolean): void => {
  const without = steps.filter(({ newer }) => newer === undefined);
  if (without.length === steps.length) throw notFound(id);
  if (without.length > 0) {
    const missing = without.map(({ disk }) => disk.index).join(', ');
    throw new Refusal(
      'conflict',
      `${id}: disk ${missing} has no snapshot ${name}: roll the other disks back one by one`,
    );
  }
  const newer = [...new Set(steps.flatMap((step) => step.newer ?? []))];
  if (newer.length > 0 && !destroyMoreRecent)
    throw new Refusal(
      'conflict',
      `${id}: newer snapshots exist: ${newer.join(', ')}: delete them first, or set destroyMoreRecent`,
    );
};

/** Whether the guest's file systems were flushed when the snapshot was taken. */
const isClean = async ({ store }: SnapshotDeps, { disks, name }: Selection): Promise<boolean> => {
  const lists = await Promise.all(disks.map((disk) => store.snapshots(disk)));
  return lists
    .flat()
    .filter((snapshot) => snapshot.name === name)
    .every(({ consistency }) => consistency === 'filesystem');
};

/**
 * Rolls the selected disks of a stopped guest back to a snapshot and destroys the newer snapshots. Checks every known
 * obstacle before changing the first disk. Repeating a rollback that failed midway completes it.
 */
export const rollback = async (
  deps: SnapshotDeps,
  selection: Selection,
  destroyMoreRecent: boolean,
): Promise<void> => {
  const { store, inUse } = deps;
  const { guest, disks, name } = selection;
  const steps = await Promise.all(
    disks.map(async (disk): Promise<DiskRollback> => ({ disk, newer: await newerThan(store, disk, name) })),
  );
  checkSteps(selection, steps, destroyMoreRecent);
  for (const { disk, newer = [] } of steps) {
    inUse.check([name, ...newer].map((each) => diskSnapshotId(guest, disk, each)));
    await store.requireUnused([disk], newer);
  }
  if (!(await isClean(deps, selection))) await clearHalted(sharedGuestPaths(deps.runDir, guest));
  await journaled(deps, guest, intentOf('rollback', name, disks), async () => {
    for (const { disk, newer = [] } of steps) await store.rollback(disk, name, newer);
  });
};
