import type { Context } from '../../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Snapshot } from '../../../lib/model/snapshot.js';
import { submitSnapshotUpdate } from '../../../lib/runtime/actions/snapshot-actions.js';
import { submitOnce } from '../../submit.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

export interface SnapshotPatch {
  /** `null` removes the description. */
  description: string | null;
}

export const updateSnapshot = (
  event: Event<SnapshotParams, JobQuery, SnapshotPatch>,
  context: Context,
): Promise<Reply<Snapshot[]>> =>
  submitOnce(event, context, async (options) => {
    const selector = selectSnapshots(event.params, context);
    return submitSnapshotUpdate(context.runtime, selector, event.payload.description ?? '', options);
  });
