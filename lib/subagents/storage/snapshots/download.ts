import { finished } from 'node:stream';
import { guestKey } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import { parseSnapshotId } from '../../../model/snapshot.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import type { SnapshotRequest } from '../../../rpc/protocol/messages.js';
import { StreamError } from '../../../rpc/protocol/stream-error.js';
import type { Method } from '../../../rpc/server/sub-agent.js';
import type { StoredDisk } from '../disk-store.js';
import type { SnapshotDeps } from './methods.js';
import { diskSnapshotId, type Selection, selectNamed } from './select.js';
import { listSnapshots } from './settle.js';

const checkId = (id: string): string => {
  const parts = parseSnapshotId(id);
  if (parts?.name === undefined)
    throw new StreamError(400, `snapshot id "${id}": not of the form guests/GUEST[/disk-DISK]@NAME`);
  return parts.guest;
};

const selectOrFail = async ({ store }: SnapshotDeps, id: string): Promise<Selection> => {
  try {
    return await selectNamed(store, id);
  } catch (error) {
    const message = errorMessage(error);
    throw message.endsWith(': not found') ? new StreamError(404, message) : error;
  }
};

/** The one disk that a download is of. */
const diskOf = async (deps: SnapshotDeps, id: string): Promise<[StoredDisk, Selection]> => {
  const selection = await selectOrFail(deps, id);
  const { disks, name } = selection;
  const [disk, second] = disks;
  if (second) throw new StreamError(400, `guest has ${disks.length} disks: name one`);
  const snapshots = disk ? await listSnapshots(deps, selection.guest, disk) : [];
  if (!disk || !snapshots.some((snapshot) => snapshot.name === name))
    throw new StreamError(404, `${id}: not found`);
  return [disk, selection];
};

/** Streams the raw bytes of one disk's snapshot, which can be neither deleted nor rolled back meanwhile. */
export const downloadSnapshot =
  (deps: SnapshotDeps): Method<SnapshotRequest, ByteStream> =>
  ({ id }, { signal, log }) =>
    // Until the first bytes come nothing else may touch the disk's snapshot table.
    deps.locks.run(guestKey(checkId(id)), async () => {
      const [disk, { guest, name }] = await diskOf(deps, id);
      const stream = await deps.store.readSnapshot(disk, name, signal);
      const release = deps.inUse.hold(diskSnapshotId(guest, disk, name));
      finished(stream.bytes, (error) => {
        release();
        if (error) log.warn({ guest, snapshot: name }, `download cut off: ${errorMessage(error)}`);
      });
      return stream;
    });
