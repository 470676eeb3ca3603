import type { Context } from '../../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Guest } from '../../../lib/model/guest.js';
import { submitDiskRemoval } from '../../../lib/runtime/actions/submit-disk-change.js';
import { changeGuest } from '../change-guest.js';
import type { DiskParams } from './change.js';

export interface DiskRemovalQuery extends JobQuery {
  /** Whether the data stays in the store. */
  keep?: boolean;
  /** Whether to remove the disk from which a running guest has booted. */
  force?: boolean;
}

/** Removes a disk from a guest, and deletes its data unless it is to be kept. */
export const removeDisk = (
  event: Event<DiskParams, DiskRemovalQuery>,
  context: Context,
): Promise<Reply<Guest>> =>
  changeGuest(event, context, (guest, options) =>
    submitDiskRemoval(context.runtime, guest, event.params.diskID, event.query, options),
  );
