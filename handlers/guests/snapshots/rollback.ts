import type { Snapshot } from '../../../lib/model/snapshot.js';
import * as snapshots from '../../../lib/runtime/snapshot-actions.js';
import { acceptedOrDone } from '../../replies.js';
import type { Context, Event, Reply, WaitQuery } from '../../types.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

export interface SnapshotRollback {
  /** Whether newer snapshots, which would be in the way, are destroyed. */
  destroyMoreRecent?: boolean | null;
}

export const rollbackSnapshot = async (
  { params, query, payload }: Event<SnapshotParams, WaitQuery, SnapshotRollback | null>,
  context: Context,
): Promise<Reply<Snapshot[]>> => {
  const selector = selectSnapshots(params, context);
  const destroyMoreRecent = payload?.destroyMoreRecent ?? false;
  const submitted = await snapshots.rollbackSnapshot(context.runtime, selector, destroyMoreRecent);
  return acceptedOrDone(submitted, [], query.wait);
};
