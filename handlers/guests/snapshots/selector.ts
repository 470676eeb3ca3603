import type { Context } from '../../../lib/agent/context.js';
import type { GuestParams } from '../../../lib/model/endpoint.js';
import type { SnapshotSelector } from '../../../lib/runtime/actions/snapshot-actions.js';

export interface SnapshotsParams extends GuestParams {
  /** Absent: all of the guest's disks. */
  diskID?: string;
}

export interface SnapshotParams extends SnapshotsParams {
  name: string;
}

/** What the path names: the guest, which must exist, and the disk and snapshot of it. */
export const selectSnapshots = (
  { guestID, diskID, name }: SnapshotsParams & { name?: string },
  { guests }: Context,
): SnapshotSelector => ({ guest: guests.get(guestID), disk: diskID, name });
