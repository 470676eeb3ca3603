import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { HostNetworks } from '../../lib/model/host-networks.js';
import { queryNetworks } from '../../lib/runtime/actions/network-actions.js';
import { actionResult } from '../replies.js';

/** Lists the networks that the NICs of guests can name, and says what could not be listed. */
export const listNetworks = async ({ signal }: Event, { runtime }: Context): Promise<Reply<HostNetworks>> =>
  actionResult(await queryNetworks(runtime, signal));
