import type { Context } from '../../../lib/agent/context.js';
import { requireEverywhere } from '../../../lib/auth/authorize.js';
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
  changeGuest(event, context, (guest, options) => {
    const { principal, payload } = event;
    // It may have the data of any guest.
    if (payload.volume) requireEverywhere(principal, 'change', 'using a volume of the storage for a disk');
    return submitDiskAddition(context.runtime, guest, payload, options);
  });
