import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { FleetHostDetails } from '../../lib/model/fleet-host.js';
import { ok } from '../replies.js';
import { type HostParams, requireFleet } from './require-fleet.js';

/** Returns a host of the fleet with what tells whether it is there. */
export const getFleetHost = async (
  { params: { hostID } }: Event<HostParams>,
  { fleet }: Context,
): Promise<Reply<FleetHostDetails>> => ok(await requireFleet(fleet).host(hostID));
