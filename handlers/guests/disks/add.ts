import type { Context } from '../../../lib/agent/context.js';
import type { NewDisk } from '../../../lib/model/disk-changes.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Guest } from '../../../lib/model/guest.js';
import { submitDiskAddition } from '../../../lib/runtime/actions/submit-disk-change.js';
import { changeGuest } from '../change-guest.js';

/** Adds a disk to a guest: at once when it runs, and its hardware allows that. */
export const addDisk = (
  event: Event<GuestParams, JobQuery, NewDisk>,
  context: Context,
): Promise<Reply<Guest>> =>
  changeGuest(event, context, (guest, options) =>
    submitDiskAddition(context.runtime, guest, event.payload, options),
  );
