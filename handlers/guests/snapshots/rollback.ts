import type { Context } from '../../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Snapshot } from '../../../lib/model/snapshot.js';
import { submitSnapshotRollback } from '../../../lib/runtime/actions/snapshot-actions.js';
import { submitOnce } from '../../submit.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

export interface SnapshotRollback {
  /** Whether to destroy newer snapshots, which would otherwise prevent the rollback. */
  destroyMoreRecent?: boolean | null;
  /** Whether the guest's memory is rolled back, too; by default as far as the snapshot has it. */
  memory?: boolean | null;
  /** Whether a guest that runs is powered off first. */
  poweroff?: boolean | null;
}

export const rollbackSnapshot = (
  event: Event<SnapshotParams, JobQuery, SnapshotRollback | null>,
  context: Context,
): Promise<Reply<Snapshot[]>> => {
  const { destroyMoreRecent, memory, poweroff } = event.payload ?? {};
  const wish = {
    destroyMoreRecent: destroyMoreRecent ?? false,
    ...(typeof memory === 'boolean' ? { memory } : {}),
    poweroff: poweroff ?? false,
  };
  return submitOnce(event, context, async (options) => {
    const selector = selectSnapshots(event.params, context);
    return submitSnapshotRollback(context.runtime, selector, wish, options);
  });
};
