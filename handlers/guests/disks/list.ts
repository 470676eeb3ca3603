import type { Context } from '../../../lib/agent/context.js';
import type { DiskUse } from '../../../lib/model/disk-use.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import { listDiskUse } from '../../../lib/runtime/actions/disk-actions.js';
import { ok } from '../../replies.js';

/** Returns a guest's disks with the space that each takes. */
export const listDisks = async (
  { params, signal }: Event<GuestParams>,
  { runtime, guests }: Context,
): Promise<Reply<DiskUse[]>> => ok(await listDiskUse(runtime, guests.get(params.guestID), signal));
