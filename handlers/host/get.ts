import type { Context } from '../../lib/agent/context.js';
import { describeHost } from '../../lib/agent/host/details.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { HostDetails } from '../../lib/model/host-details.js';
import { ok } from '../replies.js';

/** Returns the load and the room of the host, what it works with, and what is wrong. */
export const getHost = async (_event: Event, context: Context): Promise<Reply<HostDetails>> =>
  ok(await describeHost(context));
