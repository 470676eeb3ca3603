import type { Context } from '../../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Guest } from '../../../lib/model/guest.js';
import type { NicPatch } from '../../../lib/model/nic-changes.js';
import { type NicParams, submitNicChange } from './submit-nic-change.js';

/** Changes the network, the cable or the address of a NIC. */
export const changeNic = (
  event: Event<NicParams, JobQuery, NicPatch>,
  context: Context,
): Promise<Reply<Guest>> =>
  submitNicChange(event, context, 'changeNic', { name: event.params.nicName, nic: event.payload });
