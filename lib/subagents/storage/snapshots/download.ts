import { finished } from 'node:stream';
import { guestKey } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import { describeSnapshot, parseSnapshotId } from '../../../model/snapshot.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { SnapshotRequest } from '../../../rpc/protocol/snapshot-messages.js';
import type { Method } from '../../../rpc/server/rpc-route.js';
import { notFound } from '../../shared/errors.js';
import type { StoredDisk } from '../stored.js';
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
const selectDisk = async (deps: SnapshotDeps, id: string): Promise<[StoredDisk, Selection]> => {
  const selection = await selectNamed(deps.store, id);
  const { disks, name } = selection;
  const [disk, second] = disks;
  if (second)
    throw new Refusal(
      'invalid',
      `guest ${selection.guest} has ${disks.length} disks: name one in the snapshot id`,
    );
  const snapshots = disk ? await listSnapshots(deps, selection.guest, disk) : [];
  if (!disk || !snapshots.some((snapshot) => snapshot.name === name)) throw notFound(describeSnapshot(id));
  return [disk, selection];
};

/**
 * Streams the raw bytes of one disk's snapshot. Until the stream ends, the snapshot can be neither deleted nor rolled
 * back.
 */
export const downloadSnapshot =
  (deps: SnapshotDeps): Method<SnapshotRequest, ByteStream> =>
  ({ id }, { signal, log }) =>
    // The disk's snapshot table must not change before the reader has found the snapshot in it.
    deps.locks.run(guestKey(checkId(id)), async () => {
      const [disk, { guest, name }] = await selectDisk(deps, id);
      const stream = await deps.store.readSnapshot(disk, name, signal);
      const release = deps.inUse.hold(diskSnapshotId(guest, disk, name));
      finished(stream.bytes, (error) => {
        release();
        if (error) log.warn({ guest, snapshot: name }, `snapshot download broke off: ${errorMessage(error)}`);
      });
      return stream;
    });
