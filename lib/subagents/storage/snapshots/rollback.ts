import { errorMessage } from '../../../errors.js';
import { describeSnapshot, parseSnapshotId } from '../../../model/snapshot.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { notFound } from '../../shared/errors.js';
import { renewGeneration } from '../../shared/generation.js';
import { clearHalted, sharedGuestPaths } from '../../shared/guest-run-dir.js';
import { noteRollback } from '../backups/state.js';
import type { DiskStore } from '../disk-store.js';
import type { DiskRollback, StoredDisk } from '../stored.js';
import { TornError } from '../torn-error.js';
import type { SnapshotDeps } from './deps.js';
import { type Intent, intentOf } from './journal.js';
import { disksWithSnapshot, newerThan } from './lookup.js';
import { requireNoObstacles } from './obstacles.js';
import { pruneMemory } from './prune-memory.js';
import type { Selection } from './select.js';
import { recordSizes } from './sizes.js';
import { beginRollback, endRollback, isTorn, recordTorn, type Torn, tornBy } from './torn.js';

/** What a rollback does. */
interface Plan {
  steps: DiskRollback[];
  /** The disks that were added after the snapshot, which stay as they are. */
  later: StoredDisk[];
}

/** Returns when a snapshot was taken, by one of its disks; seconds since 1970. */
const takenAt = async (store: DiskStore, disk: StoredDisk, name: string): Promise<number> => {
  const found = (await store.snapshots(disk)).find((snapshot) => snapshot.name === name);
  return found?.createdAt ?? 0;
};

/** @throws when a snapshot includes a disk that was removed from the guest since, and whose data was kept */
const requireNoKept = async (
  store: DiskStore,
  { id, guest, name }: Selection,
  createdAt: number,
): Promise<void> => {
  if (parseSnapshotId(id)?.disk !== undefined) return;
  // Both are whole seconds: of the same second, assume the removal was later, because a rollback cannot be undone.
  const removed = (await store.keptDisks(guest)).filter(({ keptAt = 0 }) => keptAt >= createdAt);
  const [lost] = await disksWithSnapshot(store, removed, name);
  if (lost)
    throw new Refusal(
      'conflict',
      `${describeSnapshot(id)} includes disk ${lost.index}, which was removed since: add it again with the volume ${lost.volume}, or roll the other disks back one by one`,
    );
};

/**
 * Finds what each disk's rollback destroys.
 * @throws when disks that were there at the time do not have the snapshot, or newer ones exist and must stay
 */
const plan = async (
  { store }: SnapshotDeps,
  selection: Selection,
  destroyMoreRecent: boolean,
): Promise<Plan> => {
  const { id, guest, name, disks } = selection;
  const steps: DiskRollback[] = [];
  const without: StoredDisk[] = [];
  for (const disk of disks) {
    const newer = await newerThan(store, disk, name);
    if (newer) steps.push({ disk, newer });
    else without.push(disk);
  }
  const [first] = steps;
  if (!first) throw notFound(describeSnapshot(id));
  const createdAt = await takenAt(store, first.disk, name);
  await requireNoKept(store, selection, createdAt);
  const later = without.filter(({ addedAt = 0 }) => addedAt >= createdAt);
  if (without.length > later.length) {
    const missing = without.flatMap((disk) => (later.includes(disk) ? [] : disk.index)).join(', ');
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
  return { steps, later };
};

/** Variables that are younger than the snapshot stay as they are. */
const nvramStep = async ({ store }: SnapshotDeps, { nvram, name }: Selection): Promise<DiskRollback[]> => {
  const newer = nvram && (await newerThan(store, nvram, name));
  return nvram && newer ? [{ disk: nvram, newer }] : [];
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
 * @returns the function that rolls the disks back and destroys the newer snapshots: all disks or none. It resolves to what
 * is worth knowing. When it fails and has left the disks at different times, the guest does not start, and the error says
 * so
 */
export const prepareRollback = async (
  deps: SnapshotDeps,
  selection: Selection,
  destroyMoreRecent: boolean,
): Promise<() => Promise<string[]>> => {
  const { guest, name } = selection;
  const { steps, later } = await plan(deps, selection, destroyMoreRecent);
  const disks = steps.map(({ disk }) => disk);
  await requireNoObstacles(deps, {
    selection: { ...selection, disks },
    action: 'rollback',
    uses: steps.map(({ disk, newer }) => ({ disk, names: [name, ...newer] })),
    destroys: steps.map(({ disk, newer }) => ({ disk, names: newer })),
  });
  const all = [...steps, ...(await nvramStep(deps, selection))];
  const intent = intentOf(
    'rollback',
    name,
    all.map(({ disk }) => disk),
  );
  return async () => {
    if (!(await isClean(deps, { ...selection, disks })))
      await clearHalted(sharedGuestPaths(deps.runDir, guest));
    await whileMarked(deps, guest, intent, async () => {
      await noteRollback(deps.store, guest, name);
      await renewGeneration(deps.store.guestDir(guest));
      await deps.store.rollback(all, name);
      await pruneMemory(deps.store, guest);
    });
    const notes = [
      ...later.map(({ index }) => `disk ${index} was added after the snapshot and stays as it is`),
      ...(selection.nvram && all.length === steps.length
        ? ['the UEFI variables are not in the snapshot and stay as they are']
        : []),
    ];
    return [...notes, ...(await recordSizes(deps.store, disks))];
  };
};
