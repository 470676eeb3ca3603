import type { Context } from '../../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Snapshot } from '../../../lib/model/snapshot.js';
import { querySnapshots } from '../../../lib/runtime/actions/snapshot-actions.js';
import { pageOfAll } from '../../pages.js';
import { actionResult } from '../../replies.js';
import { type SnapshotsParams, selectSnapshots } from './selector.js';

export const listSnapshots = async (
  { params, query, signal }: Event<SnapshotsParams, ListQuery>,
  context: Context,
): Promise<Reply<Snapshot[]>> => {
  const found = await querySnapshots(context.runtime, selectSnapshots(params, context), signal);
  return pageOfAll(actionResult(found), query);
};
