import type { Context } from '../../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Snapshot } from '../../../lib/model/snapshot.js';
import { submitSnapshotCreation } from '../../../lib/runtime/actions/snapshot-actions.js';
import { submitOnce } from '../../submit.js';
import { type SnapshotsParams, selectSnapshots } from './selector.js';

export interface SnapshotCreation {
  /** The snapshot's name; by default `snap-` and the Unix time in seconds. */
  dest?: string | null;
  description?: string | null;
  /** Whether it has the guest's memory, too. */
  memory?: boolean | null;
}

const defaultName = (): string => `snap-${Math.floor(Date.now() / 1000)}`;

export const createSnapshot = (
  event: Event<SnapshotsParams, JobQuery, SnapshotCreation | null>,
  context: Context,
): Promise<Reply<Snapshot[]>> =>
  submitOnce(event, context, async (options) => {
    const dest = event.payload?.dest || defaultName();
    const selector = selectSnapshots(event.params, context);
    const description = event.payload?.description ?? '';
    const memory = event.payload?.memory ?? false;
    return submitSnapshotCreation(context.runtime, selector, { dest, description, memory }, options);
  });
