import { errorMessage } from '../../../errors.js';
import { describeSnapshot } from '../../../model/snapshot.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { notFound } from '../../shared/errors.js';
import { clearHalted, sharedGuestPaths } from '../../shared/guest-run-dir.js';
import type { DiskRollback, StoredDisk } from '../disk-store.js';
import { TornError } from '../torn-error.js';
import type { SnapshotDeps } from './deps.js';
import { type Intent, intentOf } from './journal.js';
import { newerThan } from './lookup.js';
import { requireNoObstacles } from './obstacles.js';
import type { Selection } from './select.js';
import { beginRollback, endRollback, isTorn, recordTorn, type Torn, tornBy } from './torn.js';

/**
 * Finds what each disk's rollback destroys.
 * @throws when not all disks have the snapshot, or newer ones exist and must stay
 */
const plan = async (
  { store }: SnapshotDeps,
  { id, guest, name, disks }: Selection,
  destroyMoreRecent: boolean,
): Promise<DiskRollback[]> => {
  const steps: DiskRollback[] = [];
  const without: StoredDisk[] = [];
  for (const disk of disks) {
    const newer = await newerThan(store, disk, name);
    if (newer) steps.push({ disk, newer });
    else without.push(disk);
  }
  if (steps.length === 0) throw notFound(describeSnapshot(id));
  if (without.length > 0) {
    const missing = without.map(({ index }) => index).join(', ');
    throw new Refusal(
      'conflict',
      `disk ${missing} of guest ${guest} has no snapshot ${name}: roll the other disks back one by one`,
    );
  }
  const newer = [...new Set(steps.flatMap((step) => step.newer))];
  if (newer.length > 0 && !destroyMoreRecent)
    throw new Refusal(
      'conflict',
      `${describeSnapshot(id)}: newer snapshots exist: ${newer.join(', ')}: delete them first, or destroy them too (destroyMoreRecent, --destroy-more-recent)`,
    );
  return steps;
};

/** Whether the guest's file systems were flushed when the snapshot was taken. */
const isClean = async ({ store }: SnapshotDeps, { disks, name }: Selection): Promise<boolean> => {
  const lists = await Promise.all(disks.map((disk) => store.snapshots(disk)));
  return lists
    .flat()
    .filter((snapshot) => snapshot.name === name)
    .every(({ consistency }) => consistency === 'filesystem');
};

/** Rolls back some of the disks that a failed rollback has left at different times; the guest stays marked meanwhile. */
const bringCloser = async (
  deps: SnapshotDeps,
  guest: string,
  torn: Torn,
  { name, disks }: Intent,
  work: () => Promise<void>,
): Promise<void> => {
  await work();
  const left = name === torn.name ? torn.left.filter((disk) => !disks.includes(disk)) : torn.left;
  if (left.length === 0) await endRollback(deps, guest);
  else await recordTorn(deps, guest, { ...torn, left });
};

/**
 * Runs `work` while the guest is kept from starting. Afterwards it may start, unless its disks are at different times.
 */
const whileMarked = async (
  deps: SnapshotDeps,
  guest: string,
  intent: Intent,
  work: () => Promise<void>,
): Promise<void> => {
  const before = await deps.journal.find(guest);
  const torn = isTorn(before) ? before : undefined;
  if (torn && !torn.disks.every((disk) => intent.disks.includes(disk)))
    return bringCloser(deps, guest, torn, intent, work);
  try {
    await beginRollback(deps, guest, intent);
    await work();
  } catch (error) {
    if (error instanceof TornError) throw await tornBy(deps, guest, intent, error);
    if (torn) await recordTorn(deps, guest, { ...torn, reason: errorMessage(error) });
    else await endRollback(deps, guest);
    throw error;
  }
  await endRollback(deps, guest);
};

/**
 * Checks every known obstacle to a rollback of a stopped guest on all selected disks, without changing anything.
 * @returns the function that rolls the disks back and destroys the newer snapshots: all disks or none. When it fails and
 * has left the disks at different times, the guest does not start, and the error says so
 */
export const prepareRollback = async (
  deps: SnapshotDeps,
  selection: Selection,
  destroyMoreRecent: boolean,
): Promise<() => Promise<void>> => {
  const { guest, disks, name } = selection;
  const steps = await plan(deps, selection, destroyMoreRecent);
  await requireNoObstacles(deps, {
    selection,
    action: 'rollback',
    uses: steps.map(({ disk, newer }) => ({ disk, names: [name, ...newer] })),
    destroys: steps.map(({ disk, newer }) => ({ disk, names: newer })),
  });
  return async () => {
    if (!(await isClean(deps, selection))) await clearHalted(sharedGuestPaths(deps.runDir, guest));
    await whileMarked(deps, guest, intentOf('rollback', name, disks), () => deps.store.rollback(steps, name));
  };
};
