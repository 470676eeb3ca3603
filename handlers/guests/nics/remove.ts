import type { Context } from '../../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Guest } from '../../../lib/model/guest.js';
import { type NicParams, submitNicChange } from './submit-nic-change.js';

/** Removes a NIC from a virtual machine. */
export const removeNic = (event: Event<NicParams, JobQuery>, context: Context): Promise<Reply<Guest>> =>
  submitNicChange(event, context, 'removeNic', { name: event.params.nicName });
