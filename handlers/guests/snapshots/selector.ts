import type { Context } from '../../../lib/agent/context.js';
import { invalid, notCreated } from '../../../lib/errors.js';
import type { GuestParams } from '../../../lib/model/endpoint.js';
import { isContainer } from '../../../lib/model/guest.js';
import { createFailure } from '../../../lib/runtime/actions/create-outcome.js';
import type { SnapshotSelector } from '../../../lib/runtime/actions/snapshot-exchange.js';

export interface SnapshotsParams extends GuestParams {
  /** Absent for all of the guest's disks. */
  diskID?: string;
}

export interface SnapshotParams extends SnapshotsParams {
  name: string;
}

/**
 * Finds the guest, disk and snapshot that a path names.
 * @throws {AgentError} `not_found` for an unknown guest; `invalid` for a container; `conflict` for a guest whose creation
 * has failed
 */
export const selectSnapshots = (
  { guestID, diskID, name }: SnapshotsParams & { name?: string },
  { guests, runtime }: Context,
): SnapshotSelector => {
  const guest = guests.get(guestID);
  if (isContainer(guest)) throw invalid(`guest ${guestID} is a container, which has no snapshots`);
  if (guest.state === 'error') throw notCreated(guestID, createFailure(runtime, guestID));
  return { guest, disk: diskID, name };
};
