import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { HostDown, HostStatus } from '../../lib/model/host-status.js';
import { ok } from '../replies.js';

export interface HostDownQuery extends HostDown {
  /** Seconds that the client waits for the end. */
  wait?: number;
}

/** Shuts down all guests of the host, which start again by their policies after its next boot. */
export const shutDownHost = async (
  { query: { wait = 0, timeout, force, save } }: Event<unknown, HostDownQuery>,
  { host }: Context,
): Promise<Reply<HostStatus>> => ok(await host.down({ timeout, force, save }, wait * 1000));
