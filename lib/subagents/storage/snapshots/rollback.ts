import { notFound } from '../../shared/errors.js';
import { clearHalted, sharedGuestPaths } from '../../shared/guest-run-dir.js';
import type { StoredDisk } from '../disk-store.js';
import { intentOf } from './journal.js';
import type { SnapshotDeps } from './methods.js';
import { diskSnapshotId, type Selection } from './select.js';
import { journaled, newerThan } from './settle.js';

/** What a rollback means for one disk. */
interface Step {
  disk: StoredDisk;
  /** See `newerThan`. */
  newer: string[] | undefined;
}

const checkSteps = ({ id, name }: Selection, steps: Step[], destroyMoreRecent: boolean): void => {
  const without = steps.filter(({ newer }) => newer === undefined);
  if (without.length === steps.length) throw notFound(id);
  if (without.length > 0) {
    const missing = without.map(({ disk }) => disk.index).join(', ');
    throw new Error(`${id}: there is no ${name} of disk ${missing}: roll the other disks back one by one`);
  }
  const newer = [...new Set(steps.flatMap((step) => step.newer ?? []))];
  if (newer.length > 0 && !destroyMoreRecent)
    throw new Error(
      `${id}: newer snapshots are in the way: ${newer.join(', ')}: delete them first, or set destroyMoreRecent`,
    );
};

/** Whether what the disks will be again was written out when the snapshot was taken. */
const isClean = async ({ store }: SnapshotDeps, { disks, name }: Selection): Promise<boolean> => {
  const lists = await Promise.all(disks.map((disk) => store.snapshots(disk)));
  return lists
    .flat()
    .filter((snapshot) => snapshot.name === name)
    .every(({ consistency }) => consistency === 'filesystem');
};

/**
 * Brings the selected disks of a stopped guest back to a snapshot, and removes the newer ones. Everything that
 * can be known to be in the way is looked for first. What fails midway is put right by doing it again.
 */
export const rollback = async (
  deps: SnapshotDeps,
  selection: Selection,
  destroyMoreRecent: boolean,
): Promise<void> => {
  const { store, inUse } = deps;
  const { guest, disks, name } = selection;
  const steps = await Promise.all(
    disks.map(async (disk): Promise<Step> => ({ disk, newer: await newerThan(store, disk, name) })),
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
