import { readRollbackMark } from '../../shared/rollback-mark.js';
import { findMembers, isNvram } from '../nvram.js';
import { withMonitor } from '../running-guest.js';
import type { DiskRollback } from '../stored.js';
import type { SnapshotDeps } from './deps.js';
import type { Intent } from './journal.js';
import { newerThan } from './lookup.js';
import { pruneMemory } from './prune-memory.js';
import { recordSizes } from './sizes.js';
import { endRollback, tornBy } from './torn.js';

const complete = async ({ store }: SnapshotDeps, guest: string, intent: Intent): Promise<void> => {
  const disks = (await findMembers(store, guest)).filter(({ index }) => intent.disks.includes(index));
  const [obstacle] = await store.openedBy(
    disks.filter((disk) => !isNvram(disk)),
    'rollback',
  );
  if (obstacle !== undefined) throw new Error(obstacle);
  for (const disk of disks) await store.repair(disk);
  const steps: DiskRollback[] = [];
  for (const disk of disks) {
    const newer = await newerThan(store, disk, intent.name);
    if (newer) steps.push({ disk, newer });
  }
  await store.rollback(steps, intent.name);
  await pruneMemory(store, guest);
  await recordSizes(store, disks);
};

/**
 * Completes a rollback that a killed process left half done. When it cannot be completed now, the guest does not start,
 * and no later start retries it: the guest may have been started in another way and have written since.
 * @throws when it cannot be completed
 */
export const recoverRollback = async (deps: SnapshotDeps, guest: string, intent: Intent): Promise<void> => {
  const { store, log, runDir } = deps;
  // Without the mark it had not begun, or it was complete and the guest may have started since.
  if ((await readRollbackMark(store.guestDir(guest))) === undefined) return endRollback(deps, guest);
  try {
    await withMonitor(runDir, guest, async (live) => {
      if (!live) return complete(deps, guest, intent);
      // A running guest keeps writing to its disks: they stay as they are.
      log.warn(
        { guest },
        `rollback to ${intent.name} abandoned: guest ${guest} was started before it completed`,
      );
    });
  } catch (error) {
    throw await tornBy(deps, guest, intent, error);
  }
  await endRollback(deps, guest);
};
