import { guestKey } from '../../../async/keyed-locks.js';
import { type Consistency, describeSnapshot, snapshotId } from '../../../model/snapshot.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { notFound } from '../../shared/errors.js';
import type { Moments } from '../export/moments.js';
import { isRunning } from '../running-guest.js';
import type { SnapshotDeps } from '../snapshots/deps.js';
import { disksWithSnapshot, listSnapshots } from '../snapshots/lookup.js';
import { recoverGuest } from '../snapshots/recover.js';
import { diskSnapshotId, select } from '../snapshots/select.js';
import { requireNotTorn } from '../snapshots/torn.js';
import type { CloneSource } from '../stored.js';

export interface SourceDeps {
  snapshots: SnapshotDeps;
  moments: Moments;
}

/** What to copy from a guest. */
export interface WantedSource {
  guest: string;
  /** A snapshot of the guest; absent for its present state. */
  snapshot?: string | undefined;
  /** Whether the present state of a guest that is off, and stays as it is, needs no snapshot. */
  withoutSnapshot?: boolean;
}

/** A guest's disks, which do not change while they are copied. */
export interface HeldSource extends CloneSource {
  /** How the disks were captured, when they were captured now. */
  consistency?: Consistency;
  /** Whether the guest has UEFI variables that a snapshot lacks. */
  lacksNvram: boolean;
}

/**
 * Finds the disks of a snapshot of a whole guest.
 * @throws {Refusal} for a guest or snapshot that does not exist, and for a disk that the snapshot lacks
 */
export const findSource = async (
  { snapshots: deps }: SourceDeps,
  { guest, snapshot }: WantedSource,
): Promise<HeldSource> => {
  const { store } = deps;
  const { disks, nvram } = await select(store, snapshotId(guest));
  await requireNotTorn(deps, guest);
  if (snapshot === undefined) return { disks, nvram, lacksNvram: false };
  const lists = await Promise.all(disks.map((disk) => listSnapshots(deps, guest, disk)));
  const missing = disks.filter((_, index) => !lists[index]?.some(({ name }) => name === snapshot));
  const what = describeSnapshot(snapshotId(guest, undefined, snapshot));
  if (missing.length === disks.length) throw notFound(what);
  if (missing.length > 0)
    throw new Refusal(
      'conflict',
      `${what} lacks disk ${missing.map(({ index }) => index).join(', ')}, which was added later: clone another snapshot, or the present state`,
    );
  const [ofNvram] = await disksWithSnapshot(store, nvram ? [nvram] : [], snapshot);
  return { disks, nvram: ofNvram, snapshot, lacksNvram: nvram !== undefined && ofNvram === undefined };
};

const holdSnapshot = ({ snapshots: deps, ...rest }: SourceDeps, wanted: WantedSource) => {
  const { guest } = wanted;
  return deps.locks.run(guestKey(guest), async () => {
    await recoverGuest(deps, guest);
    const source = await findSource({ snapshots: deps, ...rest }, wanted);
    const { disks, snapshot = '' } = source;
    const held = disks.map((disk) => deps.inUse.hold(diskSnapshotId(guest, disk, snapshot)));
    return { source, release: () => held.forEach((end) => void end()) };
  });
};

const requireOff = async ({ runDir }: SnapshotDeps, guest: string): Promise<void> => {
  if (await isRunning(runDir, guest))
    throw new Refusal('conflict', `guest ${guest} is running: shut it down first, or name a snapshot`);
};

/**
 * Finds what `withSource` would hold, and changes nothing.
 * @throws {Refusal} as `withSource`
 */
export const checkSource = async (deps: SourceDeps, wanted: WantedSource): Promise<HeldSource> => {
  const { guest, snapshot, withoutSnapshot } = wanted;
  if (snapshot === undefined && withoutSnapshot) await requireOff(deps.snapshots, guest);
  const source = await findSource(deps, wanted);
  if (snapshot === undefined && !withoutSnapshot) await deps.moments.check(guest, 'clone');
  return source;
};

/**
 * Runs `work` with a guest's disks as they are in a snapshot: the one that is named, or one that lasts as long as the
 * work. A running guest may write meanwhile.
 */
export const withSource = async <T>(
  deps: SourceDeps,
  wanted: WantedSource,
  work: (source: HeldSource) => Promise<T>,
): Promise<T> => {
  const { guest, snapshot, withoutSnapshot } = wanted;
  if (snapshot !== undefined) {
    const { source, release } = await holdSnapshot(deps, wanted);
    try {
      return await work(source);
    } finally {
      release();
    }
  }
  if (withoutSnapshot) {
    await requireOff(deps.snapshots, guest);
    return work(await findSource(deps, wanted));
  }
  const moment = await deps.moments.take(guest, 'clone');
  try {
    return await work({ ...moment, lacksNvram: false });
  } finally {
    await moment.close();
  }
};
