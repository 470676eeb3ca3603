import { finished } from 'node:stream';
import { guestKey } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import { describeSnapshot, parseSnapshotId } from '../../../model/snapshot.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { SnapshotRequest } from '../../../rpc/protocol/snapshot-messages.js';
import type { Method } from '../../../rpc/server/rpc-route.js';
import { type DiskContent, encodeDisk } from '../../shared/disk/encode.js';
import { notFound } from '../../shared/errors.js';
import type { StoredDisk, StoredSnapshot } from '../stored.js';
import type { SnapshotDeps } from './deps.js';
import { listSnapshots } from './lookup.js';
import { diskSnapshotId, type Selection, selectNamed } from './select.js';

const checkId = (id: string): string => {
  const parts = parseSnapshotId(id);
  if (parts?.name === undefined)
    throw new Refusal('invalid', `snapshot id "${id}": not of the form guests/GUEST[/disk-DISK]@NAME`);
  return parts.guest;
};

/** Finds the one disk to download; a guest with several needs a disk in the id. */
const selectDisk = async (
  deps: SnapshotDeps,
  id: string,
): Promise<[StoredDisk, Selection, StoredSnapshot]> => {
  const selection = await selectNamed(deps.store, id);
  const { disks, name } = selection;
  const [disk, second] = disks;
  if (second)
    throw new Refusal(
      'invalid',
      `guest ${selection.guest} has ${disks.length} disks: name one in the snapshot id`,
    );
  const snapshots = disk ? await listSnapshots(deps, selection.guest, disk) : [];
  const found = snapshots.find((snapshot) => snapshot.name === name);
  if (!disk || !found) throw notFound(describeSnapshot(id));
  return [disk, selection, found];
};

/** A snapshot to download, which can be neither deleted nor rolled back until it is released. */
interface Held {
  disk: StoredDisk;
  guest: string;
  snapshot: StoredSnapshot;
  release: () => void;
}

const hold = async (deps: SnapshotDeps, id: string): Promise<Held> => {
  const [disk, { guest }, snapshot] = await selectDisk(deps, id);
  return { disk, guest, snapshot, release: deps.inUse.hold(diskSnapshotId(guest, disk, snapshot.name)) };
};

const contentOf = (
  { store, locks }: SnapshotDeps,
  { disk, guest, snapshot: { name, createdAt } }: Held,
  signal: AbortSignal,
): DiskContent => ({
  identity: [disk.volume, disk.size, name, createdAt],
  // The disk's snapshot table must not change before the reader has found the snapshot in it.
  map: () =>
    store.mapsByReading
      ? store.mapSnapshot(disk, name, signal)
      : locks.run(guestKey(guest), () => store.mapSnapshot(disk, name, signal)),
  read: () => locks.run(guestKey(guest), () => store.readSnapshot(disk, name, signal)),
});

/**
 * Streams the content of one disk's snapshot. Until the stream ends, the snapshot can be neither deleted nor rolled
 * back.
 */
export const downloadSnapshot =
  (deps: SnapshotDeps): Method<SnapshotRequest, ByteStream> =>
  async ({ id, ...wish }, { signal, log }) => {
    const held = await deps.locks.run(guestKey(checkId(id)), () => hold(deps, id));
    const { guest, snapshot, release } = held;
    try {
      const stream = await encodeDisk(contentOf(deps, held, signal), wish);
      finished(stream.bytes, (error) => {
        release();
        if (error)
          log.warn({ guest, snapshot: snapshot.name }, `snapshot download broke off: ${errorMessage(error)}`);
      });
      return stream;
    } catch (error) {
      release();
      throw error;
    }
  };
