import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { HostStatus } from '../../lib/model/host-status.js';
import { ok } from '../replies.js';

/** Starts guests as after a boot of the host, when it does not go down after all. */
export const bringHostUp = async (_event: Event, { host }: Context): Promise<Reply<HostStatus>> =>
  ok(await host.up());
