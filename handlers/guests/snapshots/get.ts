import type { Context } from '../../../lib/agent/context.js';
import type { Event, Reply } from '../../../lib/model/endpoint.js';
import type { Snapshot } from '../../../lib/model/snapshot.js';
import { querySnapshot } from '../../../lib/runtime/actions/snapshot-actions.js';
import { actionResult } from '../../replies.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

export const getSnapshot = async (
  { params, signal }: Event<SnapshotParams>,
  context: Context,
): Promise<Reply<Snapshot[]>> =>
  actionResult(await querySnapshot(context.runtime, selectSnapshots(params, context), signal));
