import type { Context } from '../../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Snapshot } from '../../../lib/model/snapshot.js';
import { submitSnapshotDeletion } from '../../../lib/runtime/actions/snapshot-actions.js';
import { submitOnce } from '../../submit.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

export const deleteSnapshot = (
  event: Event<SnapshotParams, JobQuery>,
  context: Context,
): Promise<Reply<Snapshot[]>> =>
  submitOnce(event, context, async (options) =>
    submitSnapshotDeletion(context.runtime, selectSnapshots(event.params, context), options),
  );
