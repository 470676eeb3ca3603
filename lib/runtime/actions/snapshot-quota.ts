import pLimit from 'p-limit';
import { AgentError } from '../../errors.js';
import { type Guest, isContainer } from '../../model/guest.js';
import { parseSnapshotId, type Snapshot } from '../../model/snapshot.js';
import { counted } from '../../model/units.js';
import type { Runtime } from '../runtime.js';

/** How many guests' snapshots are listed at the same time. */
const MAX_LISTS = 4;

type ListSnapshots = (guest: Guest) => Promise<readonly Snapshot[]>;

const countOf = async (runtime: Runtime, guest: Guest, list: ListSnapshots): Promise<number> => {
  const known = runtime.snapshots.get(guest.id);
  if (known !== undefined) return known;
  // Each disk has a snapshot of that name.
  const count = new Set((await list(guest)).map(({ id }) => parseSnapshotId(id)?.name)).size;
  runtime.snapshots.set(guest.id, count);
  return count;
};

/** Whether the storage may know a guest: it rejects the listing of one that does not exist yet, or could not be created. */
const mayHaveSnapshots = (guest: Guest): boolean =>
  !isContainer(guest) && guest.state !== 'create' && guest.state !== 'error' && !!guest.disks?.length;

/** Counts the snapshots of all guests. Lists those of a guest only when an action may have changed them. */
const countAll = async (runtime: Runtime, list: ListSnapshots): Promise<number> => {
  const guests = runtime.guests.list().filter(mayHaveSnapshots);
  const counts = await pLimit(MAX_LISTS).map(guests, (guest) => countOf(runtime, guest, list));
  return counts.reduce((sum, count) => sum + count, 0);
};

/**
 * Checks that the host may have one more snapshot.
 * @param onPass called without a pause after the check, so that two creations at once cannot both pass
 * @throws {AgentError} `conflict`
 */
export const requireSnapshotQuota = async (
  runtime: Runtime,
  list: ListSnapshots,
  onPass: () => void = () => {},
): Promise<void> => {
  const { snapshots: limit } = runtime.quota.config;
  if (limit !== undefined) {
    const count = (await countAll(runtime, list)) + runtime.snapshots.creating;
    if (count >= limit)
      throw new AgentError(
        'conflict',
        `the quota of this host is ${counted(limit, 'snapshot')}, and its guests have ${count}: delete some, or raise quota.snapshots in the config`,
      );
  }
  onPass();
};
