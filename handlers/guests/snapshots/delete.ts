import type { Snapshot } from '../../../lib/model/snapshot.js';
import * as snapshots from '../../../lib/runtime/snapshot-actions.js';
import { acceptedOrDone } from '../../replies.js';
import type { Context, Event, Reply, WaitQuery } from '../../types.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

export const deleteSnapshot = async (
  { params, query }: Event<SnapshotParams, WaitQuery>,
  context: Context,
): Promise<Reply<Snapshot[]>> => {
  const selector = selectSnapshots(params, context);
  return acceptedOrDone(await snapshots.deleteSnapshot(context.runtime, selector), [], query.wait);
};
