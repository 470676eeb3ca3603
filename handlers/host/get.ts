import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { HostStatus } from '../../lib/model/host-status.js';
import { ok } from '../replies.js';

/** Says whether the guests of the host come up or go down. */
export const getHost = async (_event: Event, { host }: Context): Promise<Reply<HostStatus>> =>
  ok(host.status());
