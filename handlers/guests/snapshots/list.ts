import type { Snapshot } from '../../../lib/model/snapshot.js';
import * as snapshots from '../../../lib/runtime/snapshot-actions.js';
import { answered } from '../../replies.js';
import type { Context, Event, Reply } from '../../types.js';
import { type SnapshotsParams, selectSnapshots } from './selector.js';

export const listSnapshots = async (
  { params, signal }: Event<SnapshotsParams>,
  context: Context,
): Promise<Reply<Snapshot[]>> =>
  answered(await snapshots.listSnapshots(context.runtime, selectSnapshots(params, context), signal));
