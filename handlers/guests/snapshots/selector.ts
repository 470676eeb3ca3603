import type { Context } from '../../../lib/agent/context.js';
import type { GuestParams } from '../../../lib/model/endpoint.js';
import type { SnapshotSelector } from '../../../lib/runtime/actions/snapshot-actions.js';

export interface SnapshotsParams extends GuestParams {
  /** Absent for all of the guest's disks. */
  diskID?: string;
}

export interface SnapshotParams extends SnapshotsParams {
  name: string;
}

/**
 * Finds the guest, disk and snapshot that a path names.
 * @throws {AgentError} `not_found` for an unknown guest
 */
export const selectSnapshots = (
  { guestID, diskID, name }: SnapshotsParams & { name?: string },
  { guests }: Context,
): SnapshotSelector => ({ guest: guests.get(guestID), disk: diskID, name });
