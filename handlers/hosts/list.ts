import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { FleetHost } from '../../lib/model/fleet-host.js';
import { ok } from '../replies.js';
import { requireFleet } from './require-fleet.js';

/** Lists the hosts of the fleet by name. */
export const listHosts = async (_event: Event, { fleet }: Context): Promise<Reply<FleetHost[]>> =>
  ok(requireFleet(fleet).hosts());
