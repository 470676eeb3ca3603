import type { Snapshot } from '../../../lib/model/snapshot.js';
import * as snapshots from '../../../lib/runtime/snapshot-actions.js';
import { acceptedOrDone } from '../../replies.js';
import type { Context, Event, Reply, WaitQuery } from '../../types.js';
import { type SnapshotsParams, selectSnapshots } from './selector.js';

export interface SnapshotCreation {
  /** The snapshot's name. */
  dest?: string | null;
}

const defaultName = (): string => `snap-${Math.floor(Date.now() / 1000)}`;

export const createSnapshot = async (
  { params, query, payload }: Event<SnapshotsParams, WaitQuery, SnapshotCreation | null>,
  context: Context,
): Promise<Reply<Snapshot[]>> => {
  const dest = payload?.dest || defaultName();
  const selector = selectSnapshots(params, context);
  return acceptedOrDone(await snapshots.createSnapshot(context.runtime, selector, dest), [], query.wait);
};
