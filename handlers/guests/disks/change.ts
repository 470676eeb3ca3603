import type { Context } from '../../../lib/agent/context.js';
import type { DiskPatch } from '../../../lib/model/disk-changes.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Guest } from '../../../lib/model/guest.js';
import { submitDiskGrowth } from '../../../lib/runtime/actions/submit-disk-change.js';
import { changeGuest } from '../change-guest.js';

export interface DiskParams extends GuestParams {
  /** Number, serial or device name. */
  diskID: string;
}

/** Grows a disk of a guest. */
export const changeDisk = (
  event: Event<DiskParams, JobQuery, DiskPatch>,
  context: Context,
): Promise<Reply<Guest>> =>
  changeGuest(event, context, (guest, options) =>
    submitDiskGrowth(context.runtime, guest, event.params.diskID, event.payload, options),
  );
