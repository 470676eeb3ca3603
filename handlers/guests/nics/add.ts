import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Guest } from '../../../lib/model/guest.js';
import type { NicSpec } from '../../../lib/model/nic-changes.js';
import { submitNicChange } from './submit-nic-change.js';

/** Adds a NIC to a virtual machine, at once when it runs. */
export const addNic = (
  event: Event<GuestParams, JobQuery, NicSpec>,
  context: Context,
): Promise<Reply<Guest>> => submitNicChange(event, context, 'addNic', { nic: event.payload });
